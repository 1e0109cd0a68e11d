package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// callers are those who connect at the same time.
const callers = 4

// measureAccepts measures how fast a listener of Runtime.Listen accepts connections. They are
// of the cheapest kind, so that little else is measured.
func measureAccepts(ctx context.Context, h *harness) ([]*table, error) {
	dir := filepath.Join(h.disk().dir, "accepts") + string(filepath.Separator)
	if err := goBuild(ctx, dir, h.flags, "./programs/listens", "./programs/keeps"); err != nil {
		return nil, err
	}
	address := fmt.Sprintf("@holdfast-bench-accepts-%d", os.Getpid())
	config := filepath.Join(dir, "keeps.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "[[service.socket]]\nname = \"answer\"\nlisten = \"unix:%s\"\n", address), 0o600); err != nil {
		return nil, err
	}
	const bare, ours = "net.Listen", "rt.Listen"
	t := &table{title: "a connection is accepted and answered, unix", unit: "µs"}
	for round := range h.warm + h.rounds {
		for _, c := range []contestant{
			{name: bare, path: dir + "listens", args: []string{address}},
			{name: ours, path: dir + "keeps", args: []string{"run", "--config", config}},
		} {
			took, err := c.accepts(filepath.Join(h.places[0].dir, "accepts", c.folder()), address, h.connections)
			if err := errors.Join(context.Cause(ctx), err); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= h.warm {
				t.add(c.name, microseconds(took))
			}
		}
	}
	t.row(ours).target = ratioOf(1.05)
	return []*table{t}, nil
}

// accepts returns the time of a connection, the average of n of each caller.
func (c contestant) accepts(dir, address string, n int) (took time.Duration, err error) {
	p, err := startReady(c, dir)
	if err != nil {
		return 0, err
	}
	failed := make([]error, callers)
	begun := time.Now()
	var group sync.WaitGroup
	for i := range failed {
		group.Go(func() {
			for range n {
				if failed[i] = call(address); failed[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	took = time.Since(begun) / time.Duration(callers*n)
	if err = errors.Join(failed...); err == nil {
		err = errors.Join(p.signal(syscall.SIGTERM), p.reap())
	}
	return took, p.end(err)
}

// call connects and reads the answer.
func call(address string) error {
	conn, err := net.DialTimeout("unix", address, patience)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	said, err := io.ReadAll(conn)
	if err == nil && len(said) == 0 {
		err = errors.New("a connection without an answer")
	}
	return err
}
