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

// left are the processes that have the environment of the life's command.
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

// nobody fails the test if somebody of the command is left. The service has ended.
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

// Nobody outlives the stop, whatever way it has gone; and nobody of it is a zombie of ours before.
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

// headless ends the first thread of a process that lives on, and is shown as a zombie then.
func headless(dir string, _ []string) int {
	if err := os.WriteFile(filepath.Join(dir, "headless"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 1
	}
	ending := make(chan struct{})
	for { // the first thread takes one of these some time
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

// A process whose first thread has ended looks like one that has, and once was waited for instead of killed.
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

// A kill -9 of ours takes the command along; what that had started is ended by the next start, before
// there is another command.
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
	l.says("had left behind")
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.nobody()
}

// What goes to the background is refused, with how it is kept in the foreground.
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

// The signal of the options stops it, also for all of its group.
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

// A reload by signal, of which the command tells how it went by sd_notify(3).
func TestReloadBySignal(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("notifies")+"[wrap.ready]\nnotify = true\n[wrap.reload]\nsignal = \"SIGUSR1\"\nnotify = true").start().await(platform.PhaseReady)
	l.signal(syscall.SIGHUP)
	l.says("reloaded")
	if l.read("reloaded") == "" {
		t.Errorf("the reload was over before the command's\n%s", l.scene())
	}
	l.says("FDSTORE=1")
	l.says("ends in vain")
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

// A command that does not feed its watchdog is ended, and so is one that says that it is to be.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	for how, says := range map[string]string{"silent": "no WATCHDOG=1", "trigger": "WATCHDOG=trigger"} {
		limit := map[string]string{"silent": "50ms", "trigger": "1h"}[how]
		l := newLife(t, wrapped("fed", how)+"[wrap.ready]\nnotify = true\n[wrap.health]\nwatchdog = \""+limit+"\"").start()
		if code := l.end(); code == 0 {
			t.Errorf("%s: exit code %d\n%s", how, code, l.scene())
		}
		l.says("unwell")
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

// What others in this process have started, such as an alarm's command, is neither waited for as an orphan
// nor ended with the command.
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

// How it ends when it is asked to is its word: what the signal alone does is well, and so is a 0.
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

// What is no request to a service is for the command.
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

// Nothing is lost of what is said faster than the log can take it, and it is not kept in memory: who speaks waits.
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

// Whoever can write to the directory of a mark may lay there what is not to be written to, nor waited for.
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

// A command that has ended is not well, however long it takes to clean up behind it.
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
