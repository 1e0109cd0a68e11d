package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A part is what -only can name.
type part struct {
	name    string
	measure func(ctx context.Context, h *harness) ([]*table, error)
}

func parts() []part {
	return []part{
		{"life", func(ctx context.Context, h *harness) ([]*table, error) { return h.everywhere(ctx, measureLives) }},
		{"instant", measureInstants},
		{"size", measureSizes},
		{"together", measureTogether},
		{"held", measureHeld},
		{"idle", measureIdle},
		{"health", measureHealth},
		{"log", measureLogs},
		{"deaf", measureDeaf},
		{"locks", func(ctx context.Context, h *harness) ([]*table, error) { return h.everywhere(ctx, measureLocks) }},
		{"journal", measureJournal},
		{"gate", measureGate},
		{"accept", measureAccepts},
		{"installed", insideBed("installed", "an installed service")},
		{"upgrade", insideBed("upgrade", "an upgrade")},
		{"restart", insideBed("restart", "a connection over a restart")},
		{"fleet", insideBed("fleet", "status of many services")}, // the last, because it leaves them
	}
}

func measure(ctx context.Context, o options) (tables []*table, err error) {
	var names []string
	var wanted []part
	only := strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' })
	for _, p := range parts() {
		names = append(names, p.name)
		if len(only) == 0 || slices.Contains(only, p.name) {
			wanted = append(wanted, p)
		}
	}
	if o.rounds < 1 || len(only) > 0 && len(wanted) < len(only) {
		return nil, fmt.Errorf("nothing to measure: -rounds is at least 1, -only has some of %s", strings.Join(names, ","))
	}
	h := &harness{options: o}
	defer func() {
		if h.bed != nil {
			err = errors.Join(err, h.bed.Close())
		}
		for _, p := range h.places {
			err = errors.Join(err, os.RemoveAll(p.dir))
		}
	}()
	for _, kind := range []struct{ name, dir string }{{"tmpfs", o.tmpfs}, {"disk", o.disk}} {
		if kind.name == "tmpfs" && !isTmpfs(kind.dir) {
			continue
		}
		dir, err := os.MkdirTemp(kind.dir, "holdfast-bench-")
		if err != nil {
			return nil, err
		}
		h.places = append(h.places, place{kind.name, dir})
	}
	for _, p := range wanted {
		measured, err := p.measure(ctx, h)
		tables = append(tables, measured...)
		if err != nil {
			return tables, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return tables, nil
}

func isTmpfs(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Type == unix.TMPFS_MAGIC
}
