package wrap

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// An endpoint answers probes by HTTP. It is no [http.Server], of which it would use little and
// which would be a tenth of a wrapper that has none.
type endpoint struct {
	listener net.Listener
	within   time.Duration // for a request and its answer
	answer   func(path string) int
	quit     chan struct{}
	done     sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn // the oldest first
}

const (
	probesAtOnce = 256
	probeWithin  = 5 * time.Second
	probeMost    = 16 << 10 // bytes of a request
	// probePause is the time between two attempts to accept a connection if the first one fails.
	probePause = 100 * time.Millisecond
)

// listenProbes answers requests at address with the status that answer returns for their path.
func listenProbes(address string, within time.Duration, answer func(path string) int) (*endpoint, error) {
	l, err := net.Listen("tcp", address) //nolint:noctx // it does not wait
	if err != nil {
		return nil, fmt.Errorf("[wrap] probes: %w", err)
	}
	e := &endpoint{listener: l, within: within, answer: answer, quit: make(chan struct{})}
	e.done.Go(e.serve)
	return e, nil
}

func (e *endpoint) serve() {
	for {
		conn, err := e.listener.Accept()
		if err == nil {
			e.admit(conn)
			go func() {
				defer e.dismiss(conn)
				_ = e.one(conn) // the client sees that there is no answer
			}()
			continue
		}
		select { // perhaps there are too many open files
		case <-time.After(probePause):
		case <-e.quit:
			return
		}
	}
}

// admit makes room for a connection. If there is none, it closes the oldest one: a probe sends
// its request at once and leaves, so the oldest one is silent.
func (e *endpoint) admit(conn net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.open) >= probesAtOnce {
		_ = e.open[0].Close()
		e.open = e.open[1:]
	}
	e.open = append(e.open, conn)
}

func (e *endpoint) dismiss(conn net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = conn.Close() // again, if it had to make room
	e.open = slices.DeleteFunc(e.open, func(c net.Conn) bool { return c == conn })
}

// one answers the only request of a connection.
func (e *endpoint) one(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(e.within)); err != nil {
		return err
	}
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(conn, probeMost)))
	if err != nil {
		return err
	}
	status := http.StatusMethodNotAllowed
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		status = e.answer(request.URL.Path)
	}
	text := http.StatusText(status) + "\n"
	answer := http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: request, Close: true,
		Header: http.Header{"Content-Type": {"text/plain"}, "Cache-Control": {"no-store"}},
		Body:   io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}
	return answer.Write(conn)
}

// close does not wait for requests under way.
func (e *endpoint) close() {
	close(e.quit)
	_ = e.listener.Close()
	e.done.Wait()
}

// probed returns the status for the path of a probe. The paths are those of package
// service/metrics.
func (p *Program) probed(path string) int {
	p.mu.Lock()
	ready, well := p.condition()
	p.mu.Unlock()
	switch path {
	case "/readyz":
	case "/healthz", "/livez":
		ready = well
	default:
		return http.StatusNotFound
	}
	if ready {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}
