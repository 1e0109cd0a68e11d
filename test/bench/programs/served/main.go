// Command served is a service whose readiness is visible from outside, because it listens. Its
// versions differ by text appended to the file. A version that ends with "hangs" never becomes
// ready, and one that ends with "deaf" also ignores its context.
package main

import (
	"bytes"
	"context"
	"net"
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

const address = "@holdfast-bench-served"

func main() { os.Exit(cli.Main(service.Config{Name: "served"}, &program{})) }

type program struct{ listener net.Listener }

func (p *program) Start(ctx context.Context, rt *service.Runtime) (err error) {
	last, err := tail(len("hangs"))
	switch {
	case err != nil:
		return err
	case bytes.HasSuffix(last, []byte("hangs")):
		<-ctx.Done()
		return context.Cause(ctx)
	case bytes.HasSuffix(last, []byte("deaf")):
		select {}
	}
	if p.listener, err = net.Listen("unix", address); err != nil {
		return err
	}
	rt.Go("accept", func(context.Context) error {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return nil //nolint:nilerr // the listener was closed, which ends the loop
			}
			_ = conn.Close()
		}
	})
	return nil
}

func (p *program) Reload(context.Context) error { return nil }

func (p *program) Stop(context.Context) error { return p.listener.Close() }

// tail returns the end of the running file.
func tail(n int) ([]byte, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	last := make([]byte, n)
	_, err = f.ReadAt(last, info.Size()-int64(n))
	return last, err
}
