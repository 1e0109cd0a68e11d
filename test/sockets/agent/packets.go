package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// packets answers each packet with the PID of its process.
type packets struct {
	conn net.PacketConn
	over chan struct{}
}

func (p *packets) Start(_ context.Context, rt *service.Runtime) (err error) {
	if p.conn, err = rt.ListenPacket("dns"); err != nil {
		return err
	}
	p.over = make(chan struct{})
	rt.Go("dns", func(context.Context) error {
		defer close(p.over)
		buf := make([]byte, 1<<10)
		for {
			_, from, err := p.conn.ReadFrom(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			} else if err != nil {
				return err
			}
			if _, err := p.conn.WriteTo(fmt.Appendln(nil, os.Getpid()), from); err != nil {
				return err
			}
		}
	})
	return nil
}

// Stop ends the reads, and answers what was read.
func (p *packets) Stop(ctx context.Context) error {
	if err := p.conn.SetReadDeadline(time.Now()); err != nil {
		return err
	}
	select {
	case <-p.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
