package wrap_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Probes by HTTP learn whether the command is ready and healthy. A connection without a request delays neither others nor the
// stop.
func TestProbesByHTTP(t *testing.T) {
	t.Parallel()
	at := freeAddress(t)
	l := newLife(t, "[wrap]\nprobes = "+quoted(at)+"\n"+strings.TrimPrefix(wrapped("live"), "[wrap]\n")+
		"[wrap.ready]\nfile = \"DIR/up\"\n[wrap.health]\nfile = \"DIR/fine\"\ninterval = \"5ms\"\nthreshold = 1\ntolerate = true")
	l.touch("fine")
	l.start()
	ask := func(method, path string) int {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+at+path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	are := func(want string) func() bool {
		return func() bool {
			return fmt.Sprint(ask(http.MethodGet, "/readyz"), ask(http.MethodGet, "/healthz"), ask(http.MethodHead, "/livez")) == want
		}
	}
	l.until("it is healthy before it is ready", are("503 200 200"))
	l.touch("up")
	l.await(platform.PhaseReady).until("it is ready", are("200 200 200"))
	if err := os.Remove(l.path("fine")); err != nil {
		t.Fatal(err)
	}
	l.until("it is unhealthy", are("503 503 503"))
	l.touch("fine")
	l.until("it is healthy again", are("200 200 200"))
	if got := fmt.Sprint(ask(http.MethodPost, "/readyz"), ask(http.MethodGet, "/"), ask(http.MethodGet, "/readyz/x?y")); got != "405 404 404" {
		t.Errorf("other requests: %s", got)
	}

	for _, says := range []string{"", "GET /readyz HTTP/1.1\r\nHost: x\r\n", "\x00\xff\r\n\r\n"} { // nothing, half a request, and none
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = conn.Write([]byte(says))
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 20<<10)) // more than is read
	if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
		t.Errorf("a request without an end is answered: %q", line)
	}
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	if !are("0 0 0")() {
		t.Error("it is answered after the end")
	}
}

// Silent connections cannot keep probes from being answered, as they could once: the oldest one is closed.
func TestProbesDespiteSilentConnections(t *testing.T) {
	t.Parallel()
	at := wrap.ServeProbes(t, time.Hour) // no connection ends by time
	silent := make([]net.Conn, wrap.ProbesAtOnce)
	for i := range silent {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		silent[i] = conn
	}
	ctx, done := wait.Context(t, t.Context(), "an answer beside silent connections")
	defer done()
	for range 10 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Close = true
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	if n, err := silent[0].Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the oldest connection is still open: %d bytes, %v", n, err)
	}
	request := "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
	last := silent[len(silent)-1]
	if _, err := last.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(last).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("the youngest one is answered %q, %v", line, err)
	}
}

// If the port is taken, the error of the start names the key.
func TestProbesAtATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	life := newLife(t, "[wrap]\nprobes = "+quoted(l.Addr().String())+"\n"+strings.TrimPrefix(wrapped("live"), "[wrap]\n")).start()
	if code := life.end(); code == 0 {
		t.Error("it started")
	}
	life.says("[wrap] probes: listen tcp")
}

// The URL of a probe may have a password. The error about its answer, which is logged, does not.
func TestNoPasswordOfAProbeInTheLog(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, host := range []string{server.Listener.Addr().String(), "127.0.0.1:1"} { // the latter: nobody listens
		err := wrap.Get(t.Context(), "http://probe:s3cret@"+host+"/well")
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), host) {
			t.Errorf("the probe says %v", err)
		}
	}
}
