package wrap_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// gone waits until the processes whose PIDs are in the file have ended.
func (l *life) gone(file string) {
	l.t.Helper()
	for _, word := range strings.Fields(l.read(file)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			l.t.Fatal(err)
		}
		wait.Until(l.t, "process "+word+" has ended", func() bool { _, err := proc.Of(pid); return err != nil }, l.scene)
	}
}

// argv returns a command of the tests as TOML.
func argv(args ...string) string {
	return "[" + quoted(os.Args[0]) + ", " + strings.Join(quotedAll(args), ", ") + "]"
}

// A check that hangs is killed at each attempt, with all that it has started. Once these processes lived until the end of the
// service.
func TestAProbeThatHangsLeavesNobody(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("live")+"[wrap.ready]\nlog = \"living\"\n[wrap.health]\ntolerate = true\ninterval = \"1ms\"\ntimeout = \"3s\"\ncommand = "+argv("hang", "hung")).
		start().await(platform.PhaseReady)
	l.until("it hangs", func() bool { return strings.HasSuffix(l.read("hung"), "\n") })
	l.says("no answer within 3s")
	l.gone("hung") // or those of a later attempt
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.gone("hung")
	l.nobody()
}

// A stop command that hangs is killed, and the signal follows within the grace. Once the command was killed instead.
func TestAStopThatHangsIsFollowedByTheSignal(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("live")+"[wrap.ready]\nlog = \"living\"\n[wrap.stop]\ngrace = \"40s\"\ncommand = "+argv("hang", "hung")).
		start().await(platform.PhaseReady)
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	for _, want := range []string{"not within 30s of the grace: killed", "ending in order"} {
		if !strings.Contains(l.logText(), want) {
			t.Errorf("the log does not say %q\n%s", want, l.scene())
		}
	}
	l.gone("hung")
	l.nobody()
}

// A process that a hook has left behind ends with the service. Once it survived.
func TestHooksLeaveNobody(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("there is no reaper of orphans")
	}
	l := newLife(t, wrapped("live")+"[wrap.ready]\nlog = \"living\"\n[wrap.hooks]\nbefore_start = ["+argv("leave", "left", "0")+"]\nafter_stop = ["+argv("leave", "left", "0")+"]").
		start().await(platform.PhaseReady)
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	if strings.Count(l.read("left"), "\n") != 2 {
		t.Errorf("the hooks did not both leave somebody\n%s", l.scene())
	}
	l.gone("left")

	l = newLife(t, wrapped("live")+"[wrap.hooks]\nbefore_start = ["+argv("leave", "left", "3")+"]").start()
	if code := l.end(); code != 1 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.gone("left")
}

// A variable arrives unchanged, whatever it contains.
func TestStrangeVariables(t *testing.T) {
	t.Parallel()
	want := map[string]string{"ODD_LINES": "a\nb\t\"'\\ $HOME %PATH% ${X}", "ODD_EMPTY": "", "ODD.name x": "=", "ODD_CHARACTERS": "ä\u200b\u0001"}
	var table string
	for name, value := range want {
		table += quoted(name) + " = " + quoted(value) + "\n"
	}
	l := newLife(t, wrapped("environ", "all")+"[wrap.ready]\nfile = \"DIR/all\"")
	text := l.read("config.toml") + table // the table of variables comes last
	if err := os.WriteFile(l.path("config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.start().await(platform.PhaseReady)
	got := "\x00" + l.read("all") + "\x00"
	for name, value := range want {
		if !strings.Contains(got, "\x00"+name+"="+value+"\x00") {
			t.Errorf("%s=%q has not arrived: %q", name, value, got)
		}
	}
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}
