//go:build linux

package launchdsim_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/launchdsim"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The test binary is the job, too: with ROLE it behaves as that says, and reports to the test
// over a socket, which also tells it when to end.
func TestMain(m *testing.M) {
	if role := os.Getenv("ROLE"); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

func play(role string) int {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	c, err := net.Dial("unix", os.Getenv("REPORT"))
	if err != nil {
		return 99
	}
	_, _ = fmt.Fprintln(c, os.Getpid())
	told := make(chan int, 1)
	go func() {
		line, err := bufio.NewReader(c).ReadString('\n')
		if code, e := strconv.Atoi(strings.TrimSpace(line)); err == nil && e == nil {
			told <- code
		}
	}()
	select {
	case code := <-told:
		return code
	case <-term:
	}
	if role == "deaf" {
		select {}
	}
	return 0
}

// stage is a Double, the property list of one job, and its processes in the order of their
// starts.
type stage struct {
	*launchdsim.Double
	t     *testing.T
	plist string
	came  chan process
}

type process struct {
	pid int
	c   net.Conn
}

func (p process) end(code int) { _, _ = fmt.Fprintln(p.c, code) }

func newStage(t *testing.T, role, keys string) *stage {
	t.Helper()
	root := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(root, "report"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{
		Double: &launchdsim.Double{Prefix: root, Root: os.Getuid()}, t: t,
		plist: "/Library/LaunchDaemons/job.plist", came: make(chan process, 10),
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			pid, _ := strconv.Atoi(strings.TrimSpace(line))
			s.came <- process{pid, c}
		}
	}()
	t.Cleanup(func() {
		s.Shutdown()
		_ = l.Close()
	})
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.write(fmt.Sprintf(`<key>Label</key><string>job</string><key>ProgramArguments</key><array><string>%s</string></array>
<key>EnvironmentVariables</key><dict><key>ROLE</key><string>%s</string><key>REPORT</key><string>%s</string></dict>%s`,
		exe, role, l.Addr(), keys), 0o644)
	return s
}

func (s *stage) write(keys string, mode os.FileMode) {
	s.t.Helper()
	file := filepath.Join(s.Prefix, s.plist)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	text := `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>` + keys + `</dict></plist>`
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		s.t.Fatal(err)
	}
}

// say runs a launchctl command, which must end with that code.
func (s *stage) say(code int, args ...string) string {
	s.t.Helper()
	a := s.Control(s.Root, args...)
	if a.Code != code {
		s.t.Fatalf("launchctl %v: code %d, want %d: %s", args, a.Code, code, a.Stderr)
	}
	return a.Stdout
}

func (s *stage) next() process {
	s.t.Helper()
	return wait.For(s.t, "a process comes", s.came)
}

// until waits for a line of print; empty: until print fails.
func (s *stage) until(line string) {
	s.t.Helper()
	wait.Until(s.t, line, func() bool {
		a := s.Control(s.Root, "print", "system/job")
		return line == "" && a.Code == 113 || line != "" && strings.Contains(a.Stdout, "\n\t"+line+"\n")
	}, func() string { return fmt.Sprintf("but %+v", s.Control(s.Root, "print", "system/job")) })
}

const onFailure = `<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict><key>ThrottleInterval</key><integer>1</integer>`

func TestKeepAlive(t *testing.T) {
	s := newStage(t, "job", strings.Replace(onFailure, "<integer>1<", "<integer>5<", 1)) // long enough to be seen
	begun := time.Now()                                                                  // a process comes some time after launchd started it
	s.say(0, "bootstrap", "system", s.plist)
	first := s.next()
	s.until("pid = " + strconv.Itoa(first.pid))
	s.until("last exit code = (never exited)")
	first.end(3)
	s.until("last exit code = 3")
	s.until("state = spawn scheduled") // throttled
	second := s.next()
	if apart := time.Since(begun); apart < 5*time.Second {
		t.Errorf("throttled to %v", apart)
	}
	s.until("runs = 2")
	if err := syscall.Kill(second.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.until("last terminating signal = Killed: 9")
	third := s.next()
	third.end(0)
	s.until("last exit code = 0")
	s.until("state = not running")
	s.say(0, "kickstart", "system/job")
	s.next()
	s.say(37, "kickstart", "system/job")
}

func TestBootout(t *testing.T) {
	s := newStage(t, "deaf", onFailure+`<key>ExitTimeOut</key><integer>1</integer>`)
	s.Settle = time.Hour
	s.say(3, "bootout", "system/job")
	s.say(113, "print", "system/job")
	s.say(0, "bootstrap", "system", s.plist)
	s.next()
	s.say(5, "bootstrap", "system", s.plist) // loaded already
	s.say(64, "bootout", "--wait", "system/job")
	s.say(0, "bootout", "system/job")        // returns at once
	s.until("state = SIGTERMed")             // and it is still there
	s.say(5, "bootstrap", "system", s.plist) // being booted out
	s.until("")                              // SIGKILL after ExitTimeOut
	s.say(5, "bootstrap", "system", s.plist) // gone, and yet not free
}

func TestSlowBootout(t *testing.T) {
	s := newStage(t, "job", onFailure)
	s.Slow = true
	s.say(0, "bootstrap", "system", s.plist)
	s.next()
	s.say(36, "bootout", "system/job")
	s.until("")
	s.say(0, "bootstrap", "system", s.plist)
	s.next()
}

func TestDisabledOutlives(t *testing.T) {
	s := newStage(t, "job", onFailure)
	s.say(0, "disable", "system/job")
	s.say(119, "bootstrap", "system", s.plist)
	next := &launchdsim.Double{Prefix: s.Prefix, Root: s.Root} // after a reboot
	next.Boot()
	t.Cleanup(next.Shutdown)
	if a := next.Control(s.Root, "print", "system/job"); a.Code != 113 {
		t.Errorf("loaded at boot: %+v", a)
	}
	if a := next.Control(s.Root, "print-disabled", "system"); !strings.Contains(a.Stdout, "\t\"job\" => disabled\n") {
		t.Errorf("forgot: %+v", a)
	}
	next.Control(s.Root, "enable", "system/job")
	next.Boot()
	s.next()
}

// A user at the screen has one more domain. What the user disables is disabled in both.
func TestScreen(t *testing.T) {
	s := newStage(t, "job", onFailure)
	gui, background := "gui/"+strconv.Itoa(s.Root), "user/"+strconv.Itoa(s.Root)
	s.say(112, "print", gui)
	s.LoggedIn = []int{s.Root}
	s.say(0, "print", gui)
	s.say(0, "disable", background+"/job")
	s.say(119, "bootstrap", gui, s.plist)
	s.say(0, "enable", gui+"/job")
	s.say(0, "bootstrap", gui, s.plist)
	s.next()
	if out := s.say(0, "print", gui+"/job"); !strings.Contains(out, "\n\ttype = LaunchAgent\n") {
		t.Errorf("no agent: %s", out)
	}
	s.say(113, "print", background+"/job")
	s.say(0, "bootout", gui+"/job")
}

func TestRefusals(t *testing.T) {
	s := newStage(t, "job", onFailure)
	if a := s.Control(s.Root+1, "bootstrap", "system", s.plist); a.Code != 5 {
		t.Errorf("a stranger: %+v", a)
	}
	if a := s.Control(s.Root+1, "disable", "system/job"); a.Code != 1 {
		t.Errorf("a stranger: %+v", a)
	}
	s.say(125, "bootstrap", "gui/"+strconv.Itoa(s.Root), s.plist) // nobody is at the screen
	s.say(134, "bootstrap", "user/"+strconv.Itoa(s.Root), s.plist)
	for _, tt := range []struct {
		name, keys string
		mode       os.FileMode
		code       int
	}{
		{"others may write", "<key>Label</key><string>job</string>", 0o666, 122},
		{"no program", "<key>Label</key><string>job</string>", 0o644, 111},
		{"no label", "<key>Program</key><string>/bin/true</string>", 0o644, 110},
		{"no property list", "<", 0o644, 109},
		{"what is not doubled", "<key>Label</key><string>job</string><key>Program</key><string>/x</string><key>KeepAlive</key><dict><key>Crashed</key><true/></dict>", 0o644, 109},
	} {
		s.write(tt.keys, tt.mode)
		if a := s.Control(s.Root, "bootstrap", "system", s.plist); a.Code != tt.code {
			t.Errorf("%s: %+v, want %d", tt.name, a, tt.code)
		}
	}
}

// The processes that a job leaves in its process group end with it, unless its property list
// says otherwise.
func TestLeftovers(t *testing.T) {
	for name, tt := range map[string]struct {
		keys  string
		stays bool
	}{
		"in its group": {"", false},
		"abandoned":    {"<key>AbandonProcessGroup</key><true/>", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "job", "")
			pidFile := filepath.Join(s.Prefix, "left")
			s.write("<key>Label</key><string>job</string><key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>"+
				"sleep 1000 &amp; echo $! >"+pidFile+"</string></array><key>RunAtLoad</key><true/>"+tt.keys, 0o644)
			s.say(0, "bootstrap", "system", s.plist)
			s.until("last exit code = 0")
			content, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
			// The signal is sent before the end of the job is reported, and dying of it takes
			// a moment. No test can wait for a process to stay alive. But a process that is
			// about to die cannot be stopped any more.
			if !tt.stays {
				wait.Until(t, "it is ended", func() bool { return !alive(pid) })
				return
			}
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			wait.Until(t, "it is stopped, or ended", func() bool { return state(pid) == "T" || !alive(pid) })
			if !alive(pid) {
				t.Error("it was ended, too")
			}
		})
	}
}

// alive is false for a zombie, because perhaps nobody reaps it.
func alive(pid int) bool { return state(pid) != "" && state(pid) != "Z" }

// state returns the letter of proc(5) for the process, or "" if there is no such process.
func state(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(stat), ") ")
	letter, _, _ := strings.Cut(after, " ")
	return letter
}

func TestOnDemandOnly(t *testing.T) {
	s := newStage(t, "job", onFailure)
	s.say(0, "double-on-demand-only", "on")
	s.say(0, "bootstrap", "system", s.plist)
	s.until("pended nondemand spawn = speculative")
	s.until("runs = 0")
	s.until("state = not running")
	s.say(0, "kickstart", "system/job")
	s.next()
	s.until("runs = 1")
	if out := s.say(0, "print", "system/job"); strings.Contains(out, "pended") {
		t.Errorf("still pended: %s", out)
	}
}

// launchctl tells only root what is wrong with a property list.
func TestRicherErrorsForRoot(t *testing.T) {
	s := newStage(t, "job", onFailure)
	s.write("<key>Label</key><string>job</string><key>Program</key><string>/bin/true</string>", 0o666)
	s.say(122, "bootstrap", "system", s.plist)
	plain := s.Root + 1
	if a := s.Control(plain, "bootstrap", "user/"+strconv.Itoa(plain), s.plist); a.Code != 5 {
		t.Errorf("to a plain user: %+v", a)
	}
}

// A log file of another user cannot be opened for the job.
func TestLogOfAnotherUser(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		t.Skip("it takes root, and a user to become: ", err)
	}
	s := newStage(t, "job", "")
	s.write("<key>Label</key><string>job</string><key>Program</key><string>/bin/true</string><key>UserName</key><string>"+nobody.Username+
		"</string><key>StandardErrorPath</key><string>/log</string>"+onFailure, 0o644)
	for _, dir := range []string{s.Prefix, filepath.Dir(s.Prefix)} { // t.TempDir's are root's
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Prefix, "log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.say(0, "bootstrap", "system", s.plist)
	s.until("last exit code = 78: EX_CONFIG")
	if err := os.Remove(filepath.Join(s.Prefix, "log")); err != nil {
		t.Fatal(err)
	}
	s.until("last exit code = 0")
}

func TestProgramThatIsNotThere(t *testing.T) {
	s := newStage(t, "job", "")
	s.write("<key>Label</key><string>job</string><key>Program</key><string>/nonexistent</string>"+onFailure, 0o644)
	s.say(0, "bootstrap", "system", s.plist)
	s.until("last exit code = 78: EX_CONFIG")
	s.until("job state = spawn failed")
}
