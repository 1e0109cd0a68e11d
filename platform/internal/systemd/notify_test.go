package systemd_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

func at() time.Duration { return 1234567 * time.Microsecond }

func TestMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		notice platform.Notice
		want   string
	}{
		{"nothing", platform.Notice{}, ""},
		{"a phase without a word", platform.Notice{Phase: platform.PhaseStarting}, ""},
		{"ready", platform.Notice{Phase: platform.PhaseReady}, "READY=1\n"},
		{"reloading", platform.Notice{Phase: platform.PhaseReloading}, "RELOADING=1\nMONOTONIC_USEC=1234567\n"},
		{"stopping", platform.Notice{Phase: platform.PhaseStopping, Text: "bye"}, "STOPPING=1\nSTATUS=bye\n"},
		{"alive", platform.Notice{Alive: true}, "WATCHDOG=1\n"},
		{"extend", platform.Notice{Extend: 90 * time.Second}, "EXTEND_TIMEOUT_USEC=90000000\n"},
		{"extend by next to nothing", platform.Notice{Extend: 1}, "EXTEND_TIMEOUT_USEC=1\n"},
		{"extend by less", platform.Notice{Extend: -1}, ""},
		{"line break", platform.Notice{Text: "a\nSTOPPING=1\r\x00b"}, "STATUS=a STOPPING=1  b\n"},
		{"not UTF-8", platform.Notice{Text: "a\xffb"}, "STATUS=a\uFFFDb\n"},
		{"all", platform.Notice{Phase: platform.PhaseReady, Text: "x", Extend: time.Second, Alive: true}, "READY=1\nSTATUS=x\nEXTEND_TIMEOUT_USEC=1000000\nWATCHDOG=1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(systemd.Message(tt.notice, at)); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}

// systemd ignores a datagram of more than 4096 bytes, and a status that is not UTF-8. A long
// text must not suppress READY=1, nor itself.
func FuzzMessage(f *testing.F) {
	f.Add("x")
	f.Add(strings.Repeat("x", 5000))
	f.Add(strings.Repeat("ä", 5000))
	f.Add("x" + strings.Repeat("日", 5000))
	f.Add(strings.Repeat("\xff", 5000))
	f.Add("a\nREADY=1")
	f.Fuzz(func(t *testing.T, text string) {
		got := string(systemd.Message(platform.Notice{Phase: platform.PhaseReady, Text: text}, at))
		if len(got) > 4000 || !utf8.ValidString(got) || !strings.HasPrefix(got, "READY=1\n") {
			t.Errorf("message of %d bytes: %q", len(got), got)
		}
		if lines := 1 + min(1, len(text)); strings.Count(got, "\n") != lines {
			t.Errorf("message %q, want %d lines", got, lines)
		}
	})
}

func TestFromEnvironment(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		name     string
		env      map[string]string
		watchdog time.Duration
		direct   bool
		err      string // a part of it
	}{
		{name: "no systemd"},
		{name: "child of systemd", env: map[string]string{"SYSTEMD_EXEC_PID": self}, direct: true},
		{name: "grandchild", env: map[string]string{"SYSTEMD_EXEC_PID": "1"}},
		{name: "watchdog", env: map[string]string{"WATCHDOG_USEC": "1500000"}, watchdog: 1500 * time.Millisecond},
		{name: "our watchdog", env: map[string]string{"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": self}, watchdog: 1500 * time.Millisecond},
		{name: "another's watchdog", env: map[string]string{"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}},
		{name: "bad watchdog", env: map[string]string{"WATCHDOG_USEC": "soon"}, err: "WATCHDOG_USEC"},
		{name: "no time at all", env: map[string]string{"WATCHDOG_USEC": "0"}, err: "WATCHDOG_USEC"},
		{name: "too much time", env: map[string]string{"WATCHDOG_USEC": "9223372036854775807"}, err: "WATCHDOG_USEC"},
		{name: "vsock", env: map[string]string{"NOTIFY_SOCKET": "vsock:2:1234"}, err: "virtual machine"},
		{name: "relative socket", env: map[string]string{"NOTIFY_SOCKET": "notify"}, err: "NOTIFY_SOCKET"},
		{name: "no name", env: map[string]string{"NOTIFY_SOCKET": "@"}, err: "NOTIFY_SOCKET"},
		{name: "bad files", env: map[string]string{"LISTEN_FDS": "-1", "LISTEN_PID": self}, err: "LISTEN_FDS"},
		{name: "too many files", env: map[string]string{"LISTEN_FDS": "100000", "LISTEN_PID": self}, err: "LISTEN_FDS"},
		{name: "another's files", env: map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names := []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}
			for _, name := range append(names, "SYSTEMD_EXEC_PID") {
				t.Setenv(name, tt.env[name]) // restores what was there
				if _, ok := tt.env[name]; !ok {
					_ = os.Unsetenv(name)
				}
			}
			n, err := systemd.FromEnvironment()
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if n.Watchdog() != tt.watchdog || n.Direct() != tt.direct || len(n.Files()) != 0 {
				t.Errorf("watchdog %v, direct %t, files %v", n.Watchdog(), n.Direct(), n.Files())
			}
			for _, name := range names {
				if v, ok := os.LookupEnv(name); ok {
					t.Errorf("%s=%s is still in the environment", name, v)
				}
			}
			// Whatever was wrong, it does no harm to go on.
			if err := n.Notify(platform.Notice{Phase: platform.PhaseReady}); err != nil {
				t.Error(err)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
