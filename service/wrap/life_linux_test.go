package wrap_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// left returns the processes that have the environment of the command.
func (l *life) left() (pids []string) {
	mark := []byte("\x00LIFE=" + l.dir + "\x00")
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		env, err := os.ReadFile(path)
		if err == nil && bytes.Contains(append([]byte{0}, env...), mark) {
			pids = append(pids, strings.Split(path, "/")[2])
		}
	}
	return pids
}

// nobody fails the test if a process of the command is left after the end of the service.
func (l *life) nobody() {
	l.t.Helper()
	if pids := l.left(); len(pids) > 0 {
		for _, pid := range pids {
			b, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			l.t.Errorf("process %s is left: %q", pid, b)
		}
		l.t.Error(l.scene())
	}
}

func shell(script string) string {
	return "[wrap]\ncommand = [\"/bin/sh\", \"-c\", " + quoted(script) + "]\n"
}

// No process survives the stop, whatever it has done to leave, and none of them becomes a zombie before.
func TestNobodyOutlivesTheStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		code         int // 1: it has to be killed
	}{
		{"a pipe and background children", `sleep 3000 | cat & sleep 3000 & echo up; wait`, 0},
		{"a session of its own", `setsid sleep 3000 & echo up; wait`, 0},
		{"a double fork", `(setsid sh -c 'setsid sleep 3000 & sleep 3000' &) ; echo up; sleep 3000 & wait`, 0},
		{"who ignores SIGTERM", `trap '' TERM; (setsid sh -c 'trap "" TERM; sleep 3000 & sleep 3000' &); echo up; while :; do sleep 3000; done`, 1},
		{"who multiplies", `f() { while :; do sh -c 'sleep 3000 & sleep 0.01; (setsid sleep 3000 &)'; done; }; f & echo up; wait`, 0},
		{"who is another at every moment", `s='sh -c "$0" "$0" & exit'; setsid sh -c "$s" "$s"; setsid sh -c "$s" "$s"; echo up; sleep 3000 & wait`, 0},
		{"orphans that end", `i=0; while test $i -lt 50; do (sh -c 'exit 3' &); i=$((i+1)); done; echo up; sleep 3000 & wait`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, shell(c.script)+"[wrap.ready]\nlog = \"^up$\"\n[wrap.stop]\ngrace = \""+[]string{"1m", "200ms"}[c.code]+"\"").start().await(platform.PhaseReady)
			wait.Until(t, "no zombie is left lying", func() bool { return zombiesOf(l.cmd.Process.Pid) == 0 }, l.scene)
			if code := l.stop(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, l.scene())
			}
			l.nobody()
		})
	}
}

// headless ends the first thread of the process, which continues and is shown as a zombie.
func headless(dir string, _ []string) int {
	if err := os.WriteFile(filepath.Join(dir, "headless"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 1
	}
	ending := make(chan struct{})
	for { // some time, the first thread runs one of these
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == os.Getpid() {
				_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
			}
			<-ending
		}()
		time.Sleep(time.Millisecond)
		if b, err := os.ReadFile("/proc/self/stat"); err == nil && strings.Contains(string(b), ") Z ") {
			time.Sleep(time.Hour)
		}
	}
}

// A process whose first thread has ended looks like a process that has ended. Once it was waited for and not killed.
func TestNobodyIsTakenForAZombieWhoLives(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(quoted(os.Args[0])+` headless & wait`)).start().await(platform.PhaseReady)
	pid := ""
	l.until("its first thread has ended", func() bool {
		pid = l.read("headless")
		b, _ := os.ReadFile("/proc/" + pid + "/stat")
		return pid != "" && strings.Contains(string(b), ") Z ")
	})
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	if _, err := os.Stat("/proc/" + pid); err == nil {
		t.Errorf("process %s is left", pid)
	}
}

func zombiesOf(parent int) (n int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var state string
		var of int
		_, rest, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
		if _, err := fmt.Sscan(rest, &state, &of); err == nil && state == "Z" && of == parent {
			n++
		}
	}
	return n
}

// A kill -9 of the service kills the command. The next start kills what that had started, before it
// starts another command.
func TestKilledServiceLeavesNobodyToTheNext(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`(setsid sleep 3000 &); echo $$ >>pids; sleep 3000 & wait`)+"[wrap.ready]\nfile = \"DIR/state/pids\"").start().await(platform.PhaseReady)
	_ = l.cmd.Process.Kill()
	l.end()
	first := strings.TrimSpace(l.read("state/pids"))
	wait.Until(t, "the command has died with its service", func() bool {
		_, err := os.Stat("/proc/" + first + "/environ")
		b, _ := os.ReadFile("/proc/" + first + "/stat")
		return err != nil || strings.Contains(string(b), ") Z ")
	}, l.scene)
	before := l.left()
	if len(before) == 0 {
		t.Fatal("nobody was left behind, so there is nothing to prove")
	}
	l.start().await(platform.PhaseReady)
	now := strings.Join(l.left(), " ") + " "
	for _, pid := range before {
		if strings.Contains(" "+now, " "+pid+" ") {
			t.Errorf("process %s of the first run goes on beside the second\n%s", pid, l.scene())
		}
	}
	l.says("that the last run left behind")
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.nobody()
}

// A program that goes to the background is refused. The error says how it is kept in the foreground.
func TestGoingToTheBackground(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"[wrap.ready]\nfile = \"DIR/never\"", ""} {
		l := newLife(t, shell(`setsid sleep 3000 & exit 0`)+ready).start()
		if code := l.end(); code != 1 {
			t.Errorf("exit code %d\n%s", code, l.scene())
		}
		l.says("went to the background")
		l.nobody()
	}
}

func TestDeathBySignal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		table string
		want  int
	}{{"", 128 + 11}, {"SIGSEGV = 70", 70}, {"SIGSEGV = 0", 0}} {
		l := newLife(t, shell(`kill -SEGV $$`)+"exit = { "+c.table+" }").start()
		if code := l.end(); code != c.want {
			t.Errorf("%q: exit code %d, want %d\n%s", c.table, code, c.want, l.scene())
		}
		l.says("killed by SIGSEGV")
	}
}

// The configured signal stops the command or, if asked for, its whole group.
func TestStopSignal(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`trap 'echo quitting; exit 0' QUIT; trap '' TERM; echo up; while :; do sleep 0.05; done`)+
		"[wrap.ready]\nlog = \"up\"\n[wrap.stop]\nsignal = \"SIGQUIT\"").start().await(platform.PhaseReady)
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.says("quitting")

	l = newLife(t, shell(`(trap 'echo child quits; exit 0' TERM; touch child; while :; do sleep 0.05; done) & trap 'wait; exit 0' TERM; while ! test -e child; do sleep 0.01; done; echo up; while :; do sleep 0.05; done`)+
		"[wrap.ready]\nlog = \"up\"\n[wrap.stop]\ntree = true").start().await(platform.PhaseReady)
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.says("child quits")
}

// A reload by signal, whose end the command reports by sd_notify(3).
func TestReloadBySignal(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("notifies")+"[wrap.ready]\nnotify = true\n[wrap.reload]\nsignal = \"SIGUSR1\"\nnotify = true").start().await(platform.PhaseReady)
	l.signal(syscall.SIGHUP)
	l.says("reloaded")
	if l.read("reloaded") == "" {
		t.Errorf("the reload was over before the command's\n%s", l.scene())
	}
	l.says("MAINPID=1")
	l.says("ends in vain")
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

// A command that does not handle the signal is not ended by a reload.
func TestAReloadBySignalDoesNotEndTheCommand(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`echo $$ >../pid; exec sleep 3000`)+"[wrap.ready]\nfile = \"DIR/pid\"\n[wrap.reload]\nsignal = \"SIGUSR1\"").start().await(platform.PhaseReady)
	l.signal(syscall.SIGHUP)
	l.until("the reload fails", func() bool {
		s, err := l.state()
		return err == nil && s.Reloads.Completed > 0 && strings.HasSuffix(s.Reloads.LastError, "does not handle SIGUSR1, and would end by it")
	})
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

// A command that does not feed its watchdog is ended, and so is one that sends WATCHDOG=trigger.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	for how, says := range map[string]string{"silent": "no WATCHDOG=1", "trigger": "WATCHDOG=trigger"} {
		limit := map[string]string{"silent": "50ms", "trigger": "1h"}[how]
		l := newLife(t, wrapped("fed", how)+"[wrap.ready]\nnotify = true\n[wrap.health]\nwatchdog = \""+limit+"\"").start()
		if code := l.end(); code == 0 {
			t.Errorf("%s: exit code %d\n%s", how, code, l.scene())
		}
		l.says("unhealthy")
		l.says(says)
		l.nobody()
	}
	if err := wrap.Unfed(time.Hour, time.Minute); err != nil {
		t.Errorf("one that was fed: %v", err)
	}
	if wrap.Unfed(time.Hour, 2*time.Hour) == nil {
		t.Error("one that was not fed is well")
	}
}

// A process that other code in this process has started, such as an alarm's command, is neither waited
// for as an orphan nor killed with the command.
func TestAlarmsCommandIsNoneOfTheTree(t *testing.T) {
	t.Parallel()
	alarm := quoted(`echo begun >>DIR/alarms; while ! test -e DIR/go; do sleep 0.01; done; echo ended >>DIR/alarms`)
	l := newLife(t, "[service.alarm]\ncommand = [\"/bin/sh\", \"-c\", "+alarm+"]\n"+shell(`echo . >>../lives; setsid sleep 3000 & echo $$ >../pid; exec sleep 3000`)+
		"[wrap.ready]\nfile = \"DIR/pid\"\n[wrap.restart]\npolicy = \"always\"\ndelay = \"1ms\"\n[wrap.reload]\nsignal = \"SIGCONT\"\ncheck = [\"/bin/false\"]").
		start().await(platform.PhaseReady)
	l.signal(syscall.SIGHUP)
	l.until("the alarm of the reload that failed", func() bool { return l.read("alarms") != "" })
	first := strings.TrimSpace(l.read("pid"))
	if pid, err := strconv.Atoi(first); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatal(first, err)
	}
	l.until("the next life of the command", func() bool { return len(l.read("lives")) == 4 })
	l.touch("go")
	l.until("the end of the alarm's command", func() bool { return strings.Contains(l.read("alarms"), "ended") })
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	if got := l.read("alarms"); got != "begun\nended\n" || strings.Contains(l.logText(), "no child processes") {
		t.Errorf("the alarm's command was not left alone: %q\n%s", got, l.scene())
	}
	l.nobody()
}

// A command that is asked to stop may end by that signal, or with 0. Anything else is a failure.
func TestExitCodesOfAStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handler, table string
		want           int
	}{{"", "", 0}, {"exit 0", "", 0}, {"exit 143", "", 0}, {"exit 9", "", 9}, {"exit 9", "9 = 0", 0}, {"exit 75", "", 1}} {
		trap := ""
		if c.handler != "" {
			trap = "trap '" + c.handler + "' TERM; "
		}
		l := newLife(t, shell(trap+`echo up; while :; do sleep 0.05; done`)+"exit = { "+c.table+" }\n[wrap.ready]\nlog = \"up\"").start().await(platform.PhaseReady)
		if code := l.stop(); code != c.want {
			t.Errorf("%q, %q: exit code %d, want %d\n%s", c.handler, c.table, code, c.want, l.scene())
		}
	}
}

// Signals that are no requests to a service are passed on to the command.
func TestSignalsPassedOn(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`trap 'echo usr1' USR1; trap 'echo usr2' USR2; echo up; while :; do sleep 0.05; done`)+
		"[wrap.ready]\nlog = \"up\"").start().await(platform.PhaseReady)
	for sig, says := range map[syscall.Signal]string{syscall.SIGUSR1: "usr1", syscall.SIGUSR2: "usr2"} {
		if err := l.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		l.says(says)
	}
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

// An unhealthy command is asked to end, because it may still be able to save its data. That it ends in order makes it no success.
func TestASickCommandIsAskedToEnd(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`trap 'echo saved >>DIR/saved; exit 0' TERM; sleep 3000 & echo up; while :; do sleep 0.05; done`)+
		"[wrap.health]\nfile = \"DIR/never\"\ninterval = \"10ms\"\nthreshold = 1\n[wrap.ready]\nlog = \"up\"\n"+
		"[wrap.restart]\npolicy = \"on-failure\"\ndelay = \"1ms\"\nmax = 1\n"+slow).start()
	if code := l.end(); code != 1 || l.read("saved") != "saved\nsaved\n" {
		t.Errorf("exit code %d, and it has saved %q\n%s", code, l.read("saved"), l.scene())
	}
	l.says("restarted 1 times")
}

// slow gives a command the time that a busy machine needs to end.
const slow = "[wrap.stop]\ngrace = \"30m\"\n[service]\nstop_timeout = \"1h\"\n"

// A stop that is requested while an unhealthy command is being asked to end is in order if the
// command ends in order: it failed, with the exit code of a failure.
func TestAStopOfASickCommandIsInOrder(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`trap 'while ! test -e DIR/go; do sleep 0.05; done; exit 0' TERM; echo up; while :; do sleep 0.05; done`)+
		"[wrap.health]\nfile = \"DIR/never\"\ninterval = \"10ms\"\nthreshold = 1\n[wrap.ready]\nlog = \"up\"\n"+slow).start()
	l.says("ending the command")
	l.signal(syscall.SIGTERM)
	l.await(platform.PhaseStopping)
	l.touch("go")
	if code := l.end(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.nobody()
}

// A start that takes too long says which condition does not hold, whatever the condition is.
func TestALateStartSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for condition, says := range map[string]string{
		`log = "never"`:               "ready.log: no line matches",
		`notify = true`:               "ready.notify: no READY=1",
		`delay = "1h"`:                "ready.delay",
		`command = ["sleep", "3000"]`: "ready: ",
	} {
		t.Run(condition, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, "[service]\nstart_timeout = \"1s\"\n"+shell(`exec sleep 3000`)+"[wrap.ready]\n"+condition).start()
			if code := l.end(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if log := l.logText(); !strings.Contains(log, "the command is not ready: "+says) {
				t.Errorf("the log does not say %q\n%s", says, log)
			}
			l.nobody()
		})
	}
}

// A run that was stopped before it could look leaves that to the next one.
func TestAStopBeforeTheStartLeavesNobodyToTheNextButOne(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell(`echo $$ >DIR/pid; setsid sleep 3000 & echo up; exec sleep 3000`)+"[wrap.ready]\nlog = \"up\"").start().await(platform.PhaseReady)
	l.signal(syscall.SIGKILL)
	l.end()
	if len(l.left()) == 0 {
		t.Fatal("nobody is left by a kill -9")
	}
	record := l.path("state/wrapped.lastrun.json")
	killed, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	early := append(bytes.TrimSuffix(bytes.TrimSpace(killed), []byte("}")), []byte(`, "ended": "2026-01-01T00:00:00Z", "exit": {"clean": true, "code": 0}, "owing": true}`)...)
	if err := os.WriteFile(record, early, 0o600); err != nil {
		t.Fatal(err)
	}
	l.start().await(platform.PhaseReady)
	l.says("killed processes that the last run left behind")
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.nobody()
}

// If the command prints faster than the log can write, it waits. Nothing is lost or kept in memory.
func TestMuchOutputIsNeitherLostNorKept(t *testing.T) {
	t.Parallel()
	const lines, most = 2 << 20, 128 << 10 // 200 MiB of text, and KiB of memory
	l := newLife(t, "max_size_mb = 10000\n"+wrapped("much", strconv.Itoa(lines), "said")).start()
	wait.Until(t, "all is said", func() bool { _, err := os.Stat(l.path("said")); return err == nil }, func() string { return l.err.String() })
	peak := 0
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			_, _ = fmt.Sscan(rest, &peak)
		}
	}
	if peak == 0 || peak > most {
		t.Errorf("it had %d KiB of memory at its worst, and may have %d", peak, most)
	}
	if code := l.stop(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, l.err.String())
	}
	f, err := os.Open(l.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	next := 0
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		_, text, is := bytes.Cut(scanner.Bytes(), []byte("much "))
		if !is {
			continue
		}
		n, err := strconv.Atoi(string(text[min(84, len(text)):min(94, len(text))]))
		if err != nil || n != next {
			t.Fatalf("line %d is followed by %q", next-1, text)
		}
		next++
	}
	if next != lines {
		t.Errorf("%d lines of %d", next, lines)
	}
}

// Others may be able to put a link or a FIFO in the place of a mark. It is neither written to nor waited for.
func TestAMarkHitsNothingElse(t *testing.T) {
	for name, lay := range map[string]func(victim, mark string) error{
		"link": os.Symlink,
		"fifo": func(_, mark string) error { return unix.Mkfifo(mark, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, wrapped("live")+"[wrap.ready]\nfile = \"DIR/up\"\nmark = \"DIR/ready\"").start()
			l.until("the command runs", func() bool { return strings.Contains(l.logText(), "living") })
			if err := os.WriteFile(l.path("victim"), []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := lay(l.path("victim"), l.path("ready")); err != nil {
				t.Fatal(err)
			}
			l.touch("up")
			l.await(platform.PhaseReady)
			if code := l.stop(); code != 0 || l.read("victim") != "kept" {
				t.Errorf("exit code %d, and in the other file is %q\n%s", code, l.read("victim"), l.scene())
			}
			if _, err := os.Lstat(l.path("ready")); err == nil {
				t.Error("the mark is left")
			}
		})
	}
}

// A command that has ended is not healthy, however long the clean-up takes.
func TestADeadCommandIsNotWell(t *testing.T) {
	t.Parallel()
	l := newLife(t, shell("touch DIR/up; until test -e DIR/go; do sleep 0.01; done; exit 3")+
		"[wrap.ready]\nfile = \"DIR/up\"\n[wrap.health]\nmark = \"DIR/well\"\n"+
		`[wrap.hooks]`+"\n"+`after_stop = [["/bin/sh", "-c", "test -e DIR/well && echo well >DIR/seen || echo dead >DIR/seen"]]`).start().await(platform.PhaseReady)
	l.until("it is well", func() bool { _, err := os.Stat(l.path("well")); return err == nil })
	l.touch("go")
	wait.Until(t, "the hook has run", func() bool { return strings.HasSuffix(l.read("seen"), "\n") }, l.scene)
	if got := l.read("seen"); got != "dead\n" {
		t.Errorf("it was %q after its end\n%s", got, l.scene())
	}
}
