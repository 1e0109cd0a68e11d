package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A place is where programs and locks keep their files.
type place struct {
	name string // "tmpfs", "disk"
	dir  string // ours alone
}

func measure(ctx context.Context, o options) (tables []*table, err error) {
	if o.rounds < 1 || !(o.wants("life") || o.wants("instant") || o.wants("locks") || o.wants("gate") || o.wants("journal") || o.wants("installed")) {
		return nil, errors.New("nothing to measure: -rounds is at least 1, -only is life, instant, locks, gate, journal or installed")
	}
	var places []place
	defer func() {
		for _, p := range places {
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
		places = append(places, place{kind.name, dir})
	}
	on := places[len(places)-1] // the disk always exists
	if o.wants("life") || o.wants("instant") {
		bin := filepath.Join(on.dir, "bin")
		contestants, err := build(ctx, bin)
		if err != nil {
			return nil, err
		}
		lived := places
		if !o.wants("life") {
			lived = nil
		}
		for _, p := range lived {
			measured, err := measureLives(ctx, o, p, contestants)
			if err != nil {
				return tables, fmt.Errorf("on %s: %w", p.name, err)
			}
			tables = append(tables, measured...)
		}
		killed, err := measureInstants(ctx, o, on, contestants)
		if err != nil {
			return tables, fmt.Errorf("in the first instant: %w", err)
		}
		tables = append(tables, killed)
		sizes, err := measureSizes(contestants)
		if err != nil {
			return tables, err
		}
		tables = append(tables, sizes...)
	}
	if o.wants("locks") {
		for _, p := range places {
			measured, err := measureLocks(ctx, o, p)
			if err != nil {
				return tables, fmt.Errorf("on %s: %w", p.name, err)
			}
			tables = append(tables, measured...)
		}
	}
	if o.wants("journal") {
		measured, err := measureJournal(ctx, o, on)
		if err != nil {
			return tables, err
		}
		tables = append(tables, measured...)
	}
	if o.wants("gate") {
		measured, err := measureGate(ctx, o)
		if err != nil {
			return tables, err
		}
		tables = append(tables, measured...)
	}
	if o.wants("installed") {
		measured, err := measureInstalled(ctx, o, on.dir)
		if err != nil {
			return tables, fmt.Errorf("installation and upgrade: %w", err)
		}
		tables = append(tables, measured...)
	}
	return tables, nil
}

func isTmpfs(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Type == unix.TMPFS_MAGIC
}
