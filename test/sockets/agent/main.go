// Command agent puts examples/web under load, and plays what it is compared with, by the
// last line of its own file:
//
//	holdfast-agent: plain    a service that closes its socket and listens anew
//	holdfast-agent: fails    a version of web that fails when it has its sockets
//	holdfast-agent: exits    another, that just ends then
//	holdfast-agent: one      a version with the socket "web" alone
//	holdfast-agent: counts   a version that counts its answers in a file that it keeps
//	holdfast-agent: forgets  a version that does not take that file
//	holdfast-agent: packets  a version that answers packets at the socket "dns"
package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "load" {
		load(os.Args[2:])
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "slow" {
		if err := slow(os.Args[2], os.Args[3]); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	kind := told()
	if len(os.Args) == 3 && os.Args[1] == "ask" {
		said, err := ask(os.Args[2])
		if err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString(said)
		return
	}
	name := "web"
	if kind == "plain" {
		name = kind
	}
	if kind == "counts" {
		os.Exit(cli.Main(service.Config{Name: name, Version: kind}, &counter{}))
	}
	if kind == "packets" {
		os.Exit(cli.Main(service.Config{Name: name, Version: kind}, &packets{}))
	}
	os.Exit(cli.Main(service.Config{Name: name, Version: kind}, program(kind)))
}

// told returns the last word of our own file.
func told() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	const mark, most = "\nholdfast-agent: ", 100
	end := content[max(0, len(content)-most):]
	i := bytes.LastIndex(end, []byte(mark))
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(string(end[i+len(mark):]))
}

type program string

// Start serves at a socket of its own, or behaves like a bad version.
func (p program) Start(_ context.Context, rt *service.Runtime) error {
	if p == "forgets" {
		return nil
	}
	if p == "one" {
		l, err := rt.Listen("web")
		if err != nil {
			return err
		}
		rt.Go("http", func(context.Context) error { return answer(l, "one\n") })
		return nil
	}
	if p == "plain" {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:8081")
		if err != nil {
			return err
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		rt.Go("http", func(ctx context.Context) error {
			defer context.AfterFunc(ctx, func() { _ = server.Shutdown(context.WithoutCancel(ctx)) })()
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		rt.OnStop("http", 0, server.Shutdown)
		return nil
	}
	for _, name := range []string{"web", "admin"} {
		if _, err := rt.Listen(name); err != nil {
			return err
		}
	}
	if p == "exits" {
		os.Exit(1)
	}
	return errors.New("this version is bad")
}

// Stop does nothing: the step that Start has added closes the socket.
func (program) Stop(context.Context) error { return nil }
