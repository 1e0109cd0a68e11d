package cli_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A terminal records what it is sent, and claims to be a terminal.
type terminal struct {
	*bytes.Buffer
	fd uintptr
}

func (t terminal) Fd() uintptr { return t.fd }

// openTerminal returns the descriptor of a terminal. If there is none, the test is skipped.
func openTerminal(t *testing.T) uintptr {
	t.Helper()
	t.Setenv("TERM", "xterm")
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	fd := f.Fd()
	if !logsink.IsTerminal(fd) {
		t.Skip("the master is no terminal here")
	}
	return fd
}

// typed runs a command line whose output goes to a terminal.
func (p *place) typed(fd uintptr, args string) error {
	p.out.Reset()
	p.errs.Reset()
	p.did = nil
	root := cli.CommandOn(p.machine(), p.cfg, p.prog)
	root.SetOut(terminal{&p.out, fd})
	root.SetErr(terminal{&p.errs, fd})
	root.SetArgs(strings.Fields(args))
	return root.ExecuteContext(p.t.Context())
}

// On a terminal each verb that has started the service says so in one line. Other verbs do
// not.
func TestTerminalIsToldOfASuccess(t *testing.T) {
	fd := openTerminal(t)
	const line = "feedd is ready after 0.0 s, pid 70; log: show feedd\n"
	for args, ready := range map[string]bool{
		"start": true, "restart": true, "install --start --program /opt/feedd": true,
		"install --program /opt/feedd": false, "stop": false, "reload --no-wait": false, "status": false, "uninstall": false,
	} {
		t.Run(args, func(t *testing.T) {
			p := newPlace(t)
			p.m.logs = []string{"show", "feedd"}
			if !strings.Contains(args, "start") || args == "restart" {
				running(p)
			}
			p.m.on = func(verb string) {
				switch verb {
				case "stop":
					p.ends(feedd.PID)
				case "start":
					running(p)
				}
			}
			if err := p.typed(fd, args); err != nil {
				t.Fatal(err)
			}
			got := p.errs.String()
			if strings.HasPrefix(args, "install") { // which says it to whoever listens
				got = p.out.String()
			}
			if strings.HasSuffix(got, line) != ready || strings.Contains(got+p.out.String(), "is ready after") != ready {
				t.Errorf("it says %q%q", p.out.String(), got)
			}
		})
	}
}

// A failed start is not reported as ready.
func TestTerminalIsNotToldOfAFailure(t *testing.T) {
	fd := openTerminal(t)
	for _, verb := range []string{"start", "restart", "install --start"} {
		p := newPlace(t)
		p.m.acts = errors.New("exit code 1")
		if err := p.typed(fd, verb); err == nil || strings.Contains(p.errs.String(), "is ready") {
			t.Errorf("%s: %v, %q", verb, err, p.errs.String())
		}
	}
}

// A wait is shown in one line that is overwritten, and removed when the wait is over.
func TestTerminalShowsAWait(t *testing.T) {
	fd := openTerminal(t)
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.m.logs = []string{}
		p.m.on = func(string) { time.Sleep(1300 * time.Millisecond) }
		if err := p.typed(fd, "start"); err != nil {
			t.Fatal(err)
		}
		const again = "\r\x1b[K"
		if got, want := p.errs.String(), again+"starting (1s)"+again+"starting (1s)"+again+"feedd is ready after 0.0 s\n"; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	})
}

// The line has what is known, and no gaps for what is not.
func TestReadyLine(t *testing.T) {
	for name, tt := range map[string]struct {
		so   func(*place)
		took time.Duration
		want string
	}{
		"all":                 {func(p *place) { running(p); p.m.logs = []string{"show", "-u", "feedd"} }, time.Minute, "feedd is ready after 60.0 s, pid 70; log: show -u feedd"},
		"a log file":          {func(p *place) { running(p); p.cfg.Log.File = "feedd.log" }, 0, "feedd is ready after 0.0 s, pid 70; log: feedd.log"},
		"a log of nobody's":   {func(p *place) { running(p); p.m.logs = []string{} }, 1250 * time.Millisecond, "feedd is ready after 1.2 s, pid 70"},
		"nobody knows who":    {func(p *place) { unnamed(p); p.m.logs = []string{} }, 0, "feedd is ready after 0.0 s"},
		"not for us to see":   {func(p *place) { p.lock = os.ErrPermission; p.m.logs = []string{"show"} }, 0, "feedd is ready after 0.0 s; log: show"},
		"one of several":      {func(p *place) { p.cfg.Instance = "two"; p.m.logs = []string{} }, 0, "feedd@two is ready after 0.0 s"},
		"without any manager": {func(p *place) { running(p); unmanaged(p) }, 0, "feedd is ready after 0.0 s, pid 70"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tt.so(p)
			var keeper platform.Manager
			if p.m != nil {
				keeper = p.m
			}
			if got := cli.ReadyLine(t.Context(), p.machine(), p.cfg, keeper, noon.Add(-tt.took)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
