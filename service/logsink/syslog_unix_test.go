//go:build unix

package logsink_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func toSyslog(path string) func(*logsink.Outside) {
	return func(o *logsink.Outside) { o.Syslog = path }
}

// A line as it arrives; the time and the PID are log/syslog's.
var datagram = regexp.MustCompile(`^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d (feedd)\[(\d+)\]: (.*)\n$`)

// listen plays a syslog daemon.
func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) (priority int, text string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := datagram.FindStringSubmatch(string(buf[:n])) // "." is no newline: one line it is
	if m == nil || m[3] != strconv.Itoa(os.Getpid()) {
		t.Fatalf("datagram %q", buf[:n])
	}
	priority, _ = strconv.Atoi(m[1])
	return priority, m[4]
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn := listen(t, path)
	b := newBed(t, logsink.Options{Level: "trace", Sink: "syslog"}, toSyslog(path))
	const daemon = 3 << 3
	l := b.Logger().Named("http")
	for severity, log := range map[int][]func(string, ...any){
		3: {l.Error}, 4: {l.Warn}, 6: {l.Info}, 7: {l.Debug, l.Trace},
	} {
		for _, f := range log {
			f("hello\n<3>forged", "k", "two\nlines \x1b[2J", "stack", "a\nb")
			p, text := receive(t, conn)
			if want := `http: hello\n<3>forged: k="two\nlines \x1b[2J" stack=a\nb`; p != daemon|severity || text != want {
				t.Errorf("priority %d, want %d; text\n%s\nwant\n%s", p, daemon|severity, text, want)
			}
		}
	}
	if got := b.errText(t); got != "" {
		t.Errorf("also on stderr: %q", got)
	}
}

func TestSyslogJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn := listen(t, path)
	b := newBed(t, logsink.Options{Format: "json", Sink: "syslog"}, toSyslog(path))
	b.Logger().Info("hello", "k", "two\nlines")
	want := `{"@level":"info","@message":"hello","@timestamp":"2026-01-02T03:04:05.678901Z","k":"two\nlines"}`
	if _, text := receive(t, conn); text != want {
		t.Errorf("got %s", text)
	}
}

func TestSyslogGoesAndComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn := listen(t, path)
	b := newBed(t, logsink.Options{Sink: "syslog"}, toSyslog(path))
	b.Logger().Info("one")
	if _, text := receive(t, conn); text != "one" {
		t.Error(text)
	}
	_ = conn.Close()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	b.flush(t)
	b.Logger().Warn("two")
	if got := b.errText(t); got != "<4>two\n" {
		t.Errorf("syslog is gone, on stderr: %q", got)
	}
	conn = listen(t, path)
	b.Logger().Info("three")
	if _, text := receive(t, conn); text != "three" {
		t.Error(text)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("four") // log/syslog alone would connect again
	if got := b.errText(t); !strings.HasSuffix(got, "<6>four\n") {
		t.Errorf("after Close, on stderr: %q", got)
	}
}

func TestNoSyslog(t *testing.T) {
	out := logsink.Outside{Syslog: filepath.Join(t.TempDir(), "none")}
	_, err := logsink.OpenWith("feedd", logsink.Options{Sink: "syslog"}, out)
	var field *logsink.FieldError
	if !errors.As(err, &field) || field.Field != "sink" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
