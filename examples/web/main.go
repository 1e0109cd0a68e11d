// Command web answers HTTP at the sockets of its configuration. A client that connects while
// it restarts, is upgraded or has crashed waits, and is answered. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

var version = "dev" // set by the linker

func main() { os.Exit(run()) }

func run() int {
	return cli.Main(service.Config{
		Name: "web", Version: version, Description: "Answers HTTP",
		Sockets: []service.Socket{
			{Name: "web", Listen: "tcp:127.0.0.1:8080"},
			{Name: "admin", Listen: "unix:/run/web/admin.sock", Mode: "0600"},
		},
	}, &program{})
}

type program struct {
	server  *http.Server
	sockets []net.Listener
	serving sync.WaitGroup
	drain   drain
}

// Start takes the sockets, which are open already. No connection is accepted before Start
// returns.
func (p *program) Start(_ context.Context, rt *service.Runtime) error {
	p.server = &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second, ConnState: p.drain.note}
	for _, name := range []string{"web", "admin"} {
		l, err := rt.Listen(name)
		if err != nil {
			return err
		}
		p.sockets = append(p.sockets, l)
		p.serving.Add(1)
		rt.Go(name, func(context.Context) error {
			defer p.serving.Done()
			if err := p.server.Serve(l); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	return nil
}

// Stop closes the listeners, and then finishes the requests under way. A socket that the
// manager or the supervisor keeps continues to listen: connections made from now on belong to
// the next process.
func (p *program) Stop(ctx context.Context) error {
	for _, l := range p.sockets {
		_ = l.Close()
	}
	p.serving.Wait()
	return p.drain.end(ctx, p.server)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "process %d, version %s\n", os.Getpid(), version)
	})
	// A request that takes long, so that one can see it finished over a restart.
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintf(w, "process %d begins\n", os.Getpid())
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(d):
			_, _ = fmt.Fprintf(w, "process %d ends\n", os.Getpid())
		case <-r.Context().Done():
		}
	})
	return mux
}
