package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// bedKind is the machine on which installations are measured.
const bedKind = "systemd257"

// measureInstalled measures installation and upgrade in a bed, compared with the same calls by
// hand. If there is no bed, the table says so.
func measureInstalled(ctx context.Context, o options, dir string) (tables []*table, err error) {
	kind, err := bed.Find(bedKind)
	if err == nil && os.Geteuid() != 0 {
		err = errors.New("booting one takes root")
	}
	if err != nil {
		t := &table{title: "install and upgrade, systemd", unit: "ms"}
		t.row("holdfast").note = fmt.Sprintf("not measured: it needs a bed, %s: %v", bedKind, err)
		return []*table{t}, nil
	}
	for _, pkg := range []string{".", "./programs/served"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(dir, filepath.Base(pkg)+".bin"), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	}
	b, err := bed.Boot(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	program, err := os.ReadFile(filepath.Join(dir, "served.bin"))
	if err != nil {
		return nil, err
	}
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
	if err := b.Put(filepath.Join(dir, "..bin"), "/root/bench", 0o755); err != nil {
		return nil, err
	}
	cmd := b.Command(ctx, "/root/bench")
	cmd.Env = append(cmd.Env, insideVariable+"="+strconv.Itoa(o.rounds))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("in a bed: %w\n%s", err, said.String())
	}
	var samples []sample
	if err := json.Unmarshal(out.Bytes(), &samples); err != nil {
		return nil, err
	}
	return tabulate(samples), nil
}

// tabulate sorts samples into their tables, with the targets.
func tabulate(samples []sample) []*table {
	var tables []*table
	for _, of := range []struct {
		title, base string
		ours        []string
		target      *target
	}{
		{installing, bareCalls, []string{"install"}, ratioOf(1.5)},
		{starting, bareCalls, []string{"install --start"}, ratioOf(1.5)},
		{upgrading, stopAndStart, []string{byItself, byClient}, beyond(100, "ms")},
		{rollingBack, waitStopAndStart, []string{byItself, byClient}, beyond(1000, "ms")},
		{rollingBackDeaf, waitStopAndStart, []string{byItself, byClient}, beyond(1000, "ms")},
	} {
		t := &table{title: of.title, unit: "ms"}
		t.row(of.base) // the first
		for _, s := range samples {
			if s.Table == of.title {
				t.add(s.Row, s.Value)
			}
		}
		for _, name := range of.ours {
			t.row(name).target = of.target
		}
		tables = append(tables, t)
	}
	return tables
}
