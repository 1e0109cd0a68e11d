package wrap_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/test/port"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	at, err := port.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A command is ready when its condition holds, and not before.
func TestReadiness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, kind, arg, ready string }{
		{"tcp", "tcp", "ADDRESS", `tcp = "ADDRESS"`},
		{"unix", "unix", "DIR/s", `unix = "DIR/s"`},
		{"http", "http", "ADDRESS", `http = "http://ADDRESS/healthz"` + "\nstatus = 204"},
		{"file", "file", "DIR/pid", `file = "DIR/pid"`},
		{"log", "log", "it serves on port 1", `log = "serves on port [0-9]+"`},
		{"command", "file", "DIR/up", "command = [" + quoted(os.Args[0]) + `, "there", "up"]`},
		{"notify", "notify", "STATUS=warm\nREADY=1", "notify = true"},
		{"all of them", "file", "DIR/up", "delay = \"1ms\"\nlog = \"begun\"\nfile = \"DIR/up\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if (c.kind == "notify" || c.kind == "unix") && !canNotify() {
				t.Skip("there is no sd_notify on Windows, and Wine has no unix sockets")
			}
			l := newLife(t, "")
			address := freeAddress(t)
			arg := strings.NewReplacer("DIR", l.dir, "ADDRESS", address).Replace(c.arg)
			l.configure(wrapped("after", "go", c.kind, arg) + "[wrap.ready]\n" + strings.ReplaceAll(c.ready, "ADDRESS", address))
			l.start()
			l.says("begun")
			if s, err := l.state(); err != nil || s.Phase != platform.PhaseStarting {
				t.Errorf("before its condition holds it is %v, %v", s.Phase, err)
			}
			l.touch("go")
			l.await(platform.PhaseReady)
			if c.kind == "notify" {
				l.until("its status", func() bool { s, err := l.state(); return err == nil && s.StatusText == "warm" })
			}
			if code := l.stop(); code != 0 {
				t.Errorf("exit code %d after a stop\n%s", code, l.scene())
			}
		})
	}
}

// A delay is not shorter than configured.
func TestReadyDelayIsWhole(t *testing.T) {
	t.Parallel()
	const delay = 900 * time.Millisecond
	l := newLife(t, wrapped("tree", "1")+"[wrap.ready]\ndelay = \"900ms\"").start().await(platform.PhaseReady)
	if s, err := l.state(); err != nil || s.ReadyAt.Sub(s.StartedAt) < delay {
		t.Errorf("ready after %v, %v", s.ReadyAt.Sub(s.StartedAt), err)
	}
	l.stop()
}

// A file that the last run has left does not count, however new it is.
func TestReadyFileOfTheLastRun(t *testing.T) {
	t.Parallel()
	l := newLife(t, "[service]\nstart_timeout = \"1s\"\n"+wrapped("tree", "1")+"[wrap.ready]\nfile = \"DIR/up\"")
	l.touch("up")
	soon := time.Now().Add(time.Hour) // as if it were written at the moment of the start
	if err := os.Chtimes(l.path("up"), soon, soon); err != nil {
		t.Fatal(err)
	}
	if code := l.start().end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	l.says("has not changed since before the start")
}

// A command that is not ready in time has failed to start, and is killed.
func TestReadinessIsBounded(t *testing.T) {
	t.Parallel()
	l := newLife(t, "[service]\nstart_timeout = \"1s\"\n"+wrapped("tree", "1")+"[wrap.ready]\nfile = \"DIR/never\"").start()
	if code := l.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if log := l.logText(); !strings.Contains(log, "never") {
		t.Errorf("the log does not name the condition:\n%s", log)
	}
	l.nobody()
}

// The end of a command before it is ready is a failed start. The error has its last lines and its code.
func TestEndBeforeReady(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("exit", "42", "cannot open the", "database", "giving up")+"[wrap.ready]\nfile = \"DIR/never\"").start()
	if code := l.end(); code != 42 {
		t.Errorf("exit code %d", code)
	}
	l.says("ended before it was ready: exit code 42; its last lines: cannot open the | database | giving up")
}

// A command that ends by itself ends the service, with a code by the table.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command []string
		table   string
		want    int
	}{
		{[]string{"exit", "0"}, "", 0},
		{[]string{"exit", "7"}, "", 7},
		{[]string{"exit", "75"}, "", 1},
		{[]string{"exit", "78"}, `"78" = 78`, 78},
		{[]string{"exit", "3"}, `3 = 0`, 0},
		{[]string{"exit", "0"}, `0 = 9`, 9},
	} {
		t.Run(fmt.Sprint(c.command, c.table), func(t *testing.T) {
			t.Parallel()
			l := newLife(t, wrapped(c.command...)+"exit = { "+c.table+" }").start()
			if code := l.end(); code != c.want {
				t.Errorf("exit code %d, want %d\n%s", code, c.want, l.scene())
			}
			if c.want == 0 {
				l.says("stopped: clean=true")
			}
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	t.Run("in order, with all that it has started", func(t *testing.T) {
		t.Parallel()
		l := newLife(t, wrapped("tree", "3")+"[wrap.ready]\nfile = \"DIR/pid.0\"").start().await(platform.PhaseReady)
		if code := l.stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
		l.nobody()
	})
	t.Run("who does not listen is killed, and that is told", func(t *testing.T) {
		t.Parallel()
		l := newLife(t, wrapped("deaf")+"[wrap.ready]\nlog = \"deaf\"\n[wrap.stop]\ngrace = \"200ms\"").start().await(platform.PhaseReady)
		if code := l.stop(); code != 1 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
		l.says("not within the grace of 200ms: killed")
		l.nobody()
	})
	t.Run("by a command", func(t *testing.T) {
		t.Parallel()
		stop := "[wrap.stop]\ncommand = [" + quoted(os.Args[0]) + `, "note", "go"]`
		l := newLife(t, wrapped("until", "go")+stop).start().await(platform.PhaseReady)
		if code := l.stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
		l.says("it is there")
	})
	t.Run("by HTTP", func(t *testing.T) {
		t.Parallel()
		address := freeAddress(t)
		l := newLife(t, wrapped("web", address, "up")+"[wrap.ready]\ntcp = \""+address+"\"\n[wrap.stop]\nhttp = \"http://"+address+"/stop\"").
			start().await(platform.PhaseReady)
		if code := l.stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
		l.says("stopped by HTTP")
	})
}

// The service continues while it restarts the command, up to the limit.
func TestRestartByUs(t *testing.T) {
	t.Parallel()
	t.Run("until it lives", func(t *testing.T) {
		t.Parallel()
		l := newLife(t, wrapped("times", "n", "3", "5")+"[wrap.restart]\npolicy = \"on-failure\"\ndelay = \"1ms\"").start()
		l.until("the fourth", func() bool { return l.read("n") == "...." })
		l.says("try=3")
		l.await(platform.PhaseReady)
		if code := l.stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
	})
	t.Run("often enough", func(t *testing.T) {
		t.Parallel()
		l := newLife(t, wrapped("times", "n", "9", "5")+"[wrap.restart]\npolicy = \"always\"\ndelay = \"1ms\"\nmax = 2").start()
		if code := l.end(); code != 5 || l.read("n") != "..." {
			t.Errorf("exit code %d after %d starts\n%s", code, len(l.read("n")), l.scene())
		}
		l.says("restarted 2 times")
	})
	t.Run("a stop while it waits", func(t *testing.T) {
		t.Parallel()
		l := newLife(t, wrapped("times", "n", "9", "5")+"[wrap.restart]\npolicy = \"always\"\ndelay = \"1h\"\nmax_delay = \"2h\"").start()
		l.says("restarting the command")
		if code := l.stop(); code != 0 || l.read("n") != "." {
			t.Errorf("exit code %d after %d starts\n%s", code, len(l.read("n")), l.scene())
		}
	})
}

// As many failed health checks as the threshold says end the command, and with it the service.
func TestHealth(t *testing.T) {
	t.Parallel()
	for _, tolerate := range []bool{false, true} {
		t.Run(fmt.Sprint("tolerate ", tolerate), func(t *testing.T) {
			t.Parallel()
			l := newLife(t, wrapped("live")+fmt.Sprintf("[wrap.health]\ncommand = [%s, \"there\", \"well\"]\ninterval = \"10ms\"\nthreshold = 3\ntolerate = %v",
				quoted(os.Args[0]), tolerate))
			l.touch("well")
			l.start().await(platform.PhaseReady)
			if err := os.Remove(l.path("well")); err != nil {
				t.Fatal(err)
			}
			l.says("times=3 of=3")
			l.says("it is not there")
			if tolerate {
				if code := l.stop(); code != 0 {
					t.Errorf("exit code %d\n%s", code, l.scene())
				}
				return
			}
			if code := l.end(); code == 0 {
				t.Errorf("exit code %d\n%s", code, l.scene())
			}
			l.says("the command is unhealthy")
			l.nobody()
		})
	}
}

// Hooks run in order, and know what has happened.
func TestHooks(t *testing.T) {
	t.Parallel()
	note := func(words ...string) string {
		all := []string{quoted(os.Args[0]), `"note"`, `"notes"`}
		for _, w := range words {
			all = append(all, quoted(w))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	hooks := "[wrap.hooks]\nbefore_start = [" + note("$WRAP_EVENT", "$WRAP_SERVICE") + "]\nafter_ready = [" + note("$WRAP_EVENT") +
		", [" + quoted(os.Args[0]) + ", \"exit\", \"3\", \"no mail\"]]\nafter_stop = [" + note("$WRAP_EVENT", "$WRAP_EXIT_CODE") + "]"
	l := newLife(t, wrapped("after", "go", "log", "x")+hooks+"\n[wrap.ready]\nlog = \"begun\"").start().await(platform.PhaseReady)
	l.says("no mail") // the failure of a hook is logged
	l.touch("go")
	l.stop()
	if got := l.read("notes"); !strings.HasPrefix(got, "before_start wrapped\nafter_ready\nafter_stop ") {
		t.Errorf("the hooks wrote %q\n%s", got, l.scene())
	}

	l = newLife(t, wrapped("note", "begun")+"[wrap.hooks]\nbefore_start = [["+quoted(os.Args[0])+", \"exit\", \"3\", \"no disk\"]]").start()
	if code := l.end(); code != 1 || l.read("begun") != "" {
		t.Errorf("exit code %d, and the command wrote %q\n%s", code, l.read("begun"), l.scene())
	}
	l.says("no disk")
}

// A reload is checked and done, and its outcome comes back. It refuses changes that need a restart.
func TestReload(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		return "[" + quoted(os.Args[0]) + ", " + strings.Join(quotedAll(args), ", ") + "]"
	}
	config := wrapped("live") + "[wrap.reload]\ncheck = " + run("there", "good") + "\ncommand = " + run("note", "reloads", "one")
	l := newLife(t, config+"\n[wrap.ready]\nlog = \"living\"").start().await(platform.PhaseReady)
	reload := func(n int) (lastError string) {
		l.signal(syscall.SIGHUP)
		l.until("the reload", func() bool {
			s, err := l.state()
			if err != nil || s.Reloads.Completed < uint64(n) {
				return false
			}
			lastError = s.Reloads.LastError
			return true
		})
		return lastError
	}
	if said := reload(1); !strings.Contains(said, "reload.check") || !strings.Contains(said, "it is not there") || l.read("reloads") != "" {
		t.Errorf("a reload whose check fails: %q, and the command ran: %q", said, l.read("reloads"))
	}
	l.touch("good")
	if said := reload(2); said != "" || strings.TrimSpace(l.read("reloads")) != "one" {
		t.Errorf("a good reload: %q, and the command wrote %q", said, l.read("reloads"))
	}
	l.configure(wrapped("live", "anew") + "[wrap.reload]\ncommand = " + run("note", "reloads", "two"))
	if said := reload(3); !strings.Contains(said, "[wrap] command has changed") {
		t.Errorf("another command: %q", said)
	}
	l.configure(config + "\n[wrap.stop]\ngrace = \"no time\"\n[wrap.ready]\nlog = \"living\"")
	if said := reload(4); !strings.Contains(said, "grace") {
		t.Errorf("a bad table: %q", said)
	}
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

func quotedAll(args []string) (all []string) {
	for _, arg := range args {
		all = append(all, quoted(arg))
	}
	return all
}

// The marks exist when they should, for probes that look for a file, and are removed in the end.
func TestMarks(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("live")+"[wrap.ready]\nfile = \"DIR/up\"\nmark = \"DIR/ready\"\n[wrap.health]\nmark = \"DIR/well\"\nfile = \"DIR/fine\"\ninterval = \"5ms\"\nthreshold = 1\ntolerate = true")
	there := func(want string) func() bool {
		return func() bool {
			got := ""
			for _, name := range []string{"ready", "well"} {
				if _, err := os.Stat(l.path(name)); err == nil {
					got += name + " "
				}
			}
			return strings.TrimSpace(got) == want
		}
	}
	l.touch("ready") // left by a run that was killed
	l.touch("fine")
	l.start().await(platform.PhaseStarting)
	l.until("it is well before it is ready", there("well"))
	wait.Until(t, "the command runs", func() bool { return strings.Contains(l.logText(), "living") }, l.scene)
	l.touch("up")
	l.await(platform.PhaseReady).until("it is ready", there("ready well"))
	if err := os.Remove(l.path("fine")); err != nil {
		t.Fatal(err)
	}
	l.until("it is unhealthy", there(""))
	l.touch("fine")
	l.until("it is well again", there("ready well"))
	if code := l.stop(); code != 0 || !there("")() {
		t.Errorf("exit code %d, or a mark is left\n%s", code, l.scene())
	}
}
