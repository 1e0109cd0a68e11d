package fallback_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// machine is a PID namespace with its own init as process 1. It has its own directories in
// place of those that an init and its services write to.
type machine struct {
	*testing.T
	dir  string // what is /etc and /run there, and so on
	init int    // process 1, by its number here
	down func() // ends it, and waits for that
}

var agent = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fallback")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "agent")
	cmd := exec.Command("go", "build", "-o", out, "./test/fallback/agent")
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return out, nil
})

// own has the directories that a machine has for itself.
var own = []string{"/etc", "/run", "/var", "/opt", "/usr/local"}

// newMachine returns a machine that is not booted yet.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a PID namespace")
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if err := probe.Run(); err != nil {
		t.Skip("this root cannot make a PID namespace: ", err)
	}
	program, err := agent()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{T: t, dir: t.TempDir()}
	for _, dir := range own {
		if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"/etc/init.d", "/var/log", "/var/lib", "/usr/local/bin", "/etc/agent"} {
		m.mkdir(dir)
	}
	if err := os.Symlink("/run", filepath.Join(m.dir, "/var/run")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/ld.so.cache"} {
		if content, err := os.ReadFile(file); err == nil {
			m.write(file, 0o644, string(content))
		}
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	m.write("/usr/local/bin/agent", 0o755, string(content))
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"hello\"\n")
	return m
}

func (m *machine) mkdir(dir string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o755); err != nil {
		m.Fatal(err)
	}
}

// write writes a file of the machine.
func (m *machine) write(path string, mode os.FileMode, text string) {
	m.Helper()
	m.mkdir(filepath.Dir(path))
	if err := os.WriteFile(filepath.Join(m.dir, path), []byte(text), mode); err != nil {
		m.Fatal(err)
	}
}

// read returns the content of a file of the machine.
func (m *machine) read(path string) string {
	m.Helper()
	content, err := os.ReadFile(filepath.Join(m.dir, path))
	if err != nil {
		m.Fatal(err)
	}
	return string(content)
}

func (m *machine) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(m.dir, path))
	return err == nil
}

// boot boots the machine with init, a program of the machine, as process 1 with the arguments
// argv. /run is empty again.
func (m *machine) boot(init string, argv ...string) {
	m.Helper()
	if err := os.RemoveAll(filepath.Join(m.dir, "run")); err != nil {
		m.Fatal(err)
	}
	m.mkdir("/run")
	var script strings.Builder
	script.WriteString("set -e\nmount --make-rprivate /\nmount -t proc proc /proc\ndir=$1; shift\n")
	for _, dir := range own {
		fmt.Fprintf(&script, "mount --bind \"$dir%s\" %s\n", dir, dir)
	}
	script.WriteString("exec \"$@\"\n")
	cmd := exec.Command("/bin/sh", append([]string{"-c", script.String(), "sh", m.dir, init}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Dir = "/"
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	m.init = cmd.Process.Pid
	m.down = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // and with process 1 all others of its namespace
		_ = cmd.Wait()
	})
	m.Cleanup(func() {
		m.down()
		if m.Failed() {
			m.Logf("init said:\n%s", said.String())
		}
	})
	wait.Until(m.T, "process 1 is "+init, func() bool {
		comm, err := os.ReadFile("/proc/" + strconv.Itoa(m.init) + "/comm")
		return err == nil && strings.TrimSpace(string(comm)) == filepath.Base(init)
	})
}

// run runs a command on the machine, and returns what it prints to both streams.
func (m *machine) run(code int, argv ...string) string {
	m.Helper()
	out, got := m.try(argv...)
	if got != code {
		m.Errorf("%q: exit code %d, want %d:\n%s", argv, got, code, out)
	}
	return out
}

func (m *machine) try(argv ...string) (string, int) {
	m.Helper()
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(m.init), "-p", "-m", "--"}, argv...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	cmd.Dir = "/"
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		m.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// agent runs a command of the agent.
func (m *machine) agent(code int, args ...string) string {
	m.Helper()
	return m.run(code, append([]string{"/usr/local/bin/agent"}, args...)...)
}

// says fails the test unless text contains all words.
func (m *machine) says(text string, words ...string) {
	m.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			m.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}
