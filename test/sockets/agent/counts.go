package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// counter answers at 127.0.0.1:8082 how often it was asked, over all of its processes.
type counter struct{ listener net.Listener }

func (c *counter) Start(ctx context.Context, rt *service.Runtime) error {
	f, err := rt.Kept("count")
	if errors.Is(err, fs.ErrNotExist) {
		f, err = memory()
		if err == nil {
			err = rt.Keep("count", f)
		}
	}
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8082")
	if err != nil {
		return err
	}
	c.listener = l
	rt.Go("http", func(context.Context) error {
		return serve(l, func() string {
			var count [8]byte
			_, _ = f.ReadAt(count[:], 0)
			n := binary.BigEndian.Uint64(count[:]) + 1
			binary.BigEndian.PutUint64(count[:], n)
			_, _ = f.WriteAt(count[:], 0)
			return fmt.Sprintln(n)
		})
	})
	return nil
}

func (c *counter) Stop(context.Context) error { return c.listener.Close() }

func answer(l net.Listener, word string) error { return serve(l, func() string { return word }) }

func serve(l net.Listener, word func() string) error {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, word())
	})}
	server.SetKeepAlivesEnabled(false)
	if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
