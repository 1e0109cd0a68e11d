package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// bedKind is the machine on which installations are measured.
const bedKind = "systemd257"

// insideBed returns what measures a part in a bed.
func insideBed(part, title string) func(context.Context, *harness) ([]*table, error) {
	return func(ctx context.Context, h *harness) ([]*table, error) { return h.inBed(ctx, part, title) }
}

// inBed measures a part in a bed. If there is no bed, the table says so.
func (h *harness) inBed(ctx context.Context, part, title string) ([]*table, error) {
	kind, err := bed.Find(bedKind)
	if err == nil && os.Geteuid() != 0 {
		err = errors.New("booting one takes root")
	}
	if err != nil {
		t := &table{title: title + ", systemd", unit: "ms"}
		t.row("holdfast").note = fmt.Sprintf("not measured: it needs a bed, %s: %v", bedKind, err)
		return []*table{t}, nil
	}
	if h.bed == nil {
		if h.bed, err = h.boot(ctx, kind); err != nil {
			return nil, err
		}
	}
	asked, err := json.Marshal(order{part, h.warm, h.rounds, h.lines, h.services})
	if err != nil {
		return nil, err
	}
	cmd := h.bed.Command(ctx, "/root/bench")
	cmd.Env = append(cmd.Env, insideVariable+"="+string(asked))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("in a bed: %w\n%s", err, said.String())
	}
	var samples []sample
	if err := json.Unmarshal(out.Bytes(), &samples); err != nil {
		return nil, err
	}
	return tabulate(samples, h.services), nil
}

// boot starts a bed, which measure closes, and puts the programs in it.
func (h *harness) boot(ctx context.Context, kind bed.Kind) (b *bed.Bed, err error) {
	dir := filepath.Join(h.disk().dir, "inside") + string(filepath.Separator)
	if err := goBuild(ctx, dir, h.flags, ".", "./programs/served", "./programs/listens", "./programs/flips", "./programs/keeps"); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(filepath.Join(dir, "served"))
	if err != nil {
		return nil, err
	}
	if b, err = bed.Boot(ctx, kind); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	config := fmt.Sprintf("[service]\nstart_timeout = %q\nstop_timeout = %q\n[service.restart]\ndelay = \"100ms\"\nmax = 1000\n", startTimeout, stopTimeout)
	for _, f := range []struct {
		path    string
		content []byte
		mode    fs.FileMode
	}{
		{versionsDir + "/0", append(bytes.Clone(program), "version 0"...), 0o755},
		{versionsDir + "/1", append(bytes.Clone(program), "version 1"...), 0o755},
		{versionsDir + "/hangs", append(bytes.Clone(program), "hangs"...), 0o755},
		{versionsDir + "/deaf", append(bytes.Clone(program), "deaf"...), 0o755},
		{servedConfig, []byte(config), 0o644},
	} {
		if err := b.Write(f.path, f.content, f.mode); err != nil {
			return nil, err
		}
	}
	for name, place := range map[string]string{"bench": "/root/", "listens": programsDir, "flips": programsDir, "keeps": programsDir} {
		if err := b.Put(filepath.Join(dir, name), place+name, 0o755); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// tabulate sorts samples into their tables, with the targets.
func tabulate(samples []sample, services int) []*table {
	var tables []*table
	for _, of := range []struct {
		title, base string
		ours        []string
		target      *target
		unit        string
	}{
		{installing, bareCalls, []string{"install"}, ratioOf(1.5), "ms"},
		{starting, bareCalls, []string{"install --start"}, ratioOf(1.5), "ms"},
		{uninstalling, bareCalls, []string{"uninstall --purge"}, ratioOf(1.5), "ms"},
		{reloading, "systemctl reload", []string{"reload"}, ratioOf(3), "ms"},
		{asking, "systemctl show", []string{"status"}, ratioOf(3), "ms"},
		{logging, "go-systemd", []string{"holdfast"}, ratioOf(1.5), "µs"},
		{upgrading, stopAndStart, []string{byItself, byClient}, beyond(100, "ms"), "ms"},
		{rollingBack, waitStopAndStart, []string{byItself, byClient}, beyond(1000, "ms"), "ms"},
		{rollingBackDeaf, waitStopAndStart, []string{byItself, byClient}, beyond(1000, "ms"), "ms"},
		{restarting, sandboxed, []string{kept}, ratioOf(1.5), "ms"},
		{askingAll, "systemctl list-units", []string{"fleet status"}, ratioOf(3), "ms"},
	} {
		if !slices.ContainsFunc(samples, func(s sample) bool { return s.Table == of.title }) {
			continue // of another part
		}
		t := &table{title: of.title, unit: of.unit}
		t.row(of.base) // the first
		for _, s := range samples {
			if s.Table == of.title {
				t.add(s.Row, s.Value)
			}
		}
		for _, name := range of.ours {
			t.row(name).target = of.target
		}
		if of.title == askingAll {
			t.title = fmt.Sprintf("%s: %d", askingAll, services)
		}
		tables = append(tables, t)
	}
	return tables
}
