//go:build unix

package supervise_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// spawn turns the process into what its arguments say.
func spawn() int {
	var s supervise.Spawn
	arguments(&s)
	_ = os.Unsetenv(argsEnv)
	err := s.Exec()
	fmt.Println("failed:", err)
	if _, ok := errors.AsType[*supervise.ForGoodError](err); ok {
		return 50
	}
	return 51
}

// dumped is what a process finds itself to be.
type dumped struct {
	UID, GID, PID, Session int
	Groups                 []int
	Umask, Nice            int
	NoFile, Core           uint64
	Dir                    string
	Env                    []string
	IgnoresHUP, Interrupts bool
	Ended                  bool
	Status                 string // /proc/self/status, on Linux
}

func dump() int {
	d := dumped{UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), Env: os.Environ(), IgnoresHUP: signal.Ignored(syscall.SIGHUP)}
	d.Interrupts = !signal.Ignored(syscall.SIGINT)
	d.Session, _ = unix.Getsid(0)
	d.Groups, _ = os.Getgroups()
	d.Umask = unix.Umask(0)
	var l unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
	d.NoFile = uint64(l.Max) //nolint:unconvert // signed on FreeBSD
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &l)
	d.Core = uint64(l.Max) //nolint:unconvert // signed on FreeBSD
	d.Nice, _ = unix.Getpriority(unix.PRIO_PROCESS, 0)
	d.Dir, _ = os.Getwd()
	if fd, err := strconv.Atoi(os.Getenv(native.EndedVariable)); err == nil {
		f := os.NewFile(uintptr(fd), "ended")
		_, err := fmt.Fprintln(f, 78)
		d.Ended = err == nil
	}
	status, _ := os.ReadFile("/proc/self/status")
	d.Status = string(status)
	if err := json.NewEncoder(os.Stdout).Encode(d); err != nil {
		return 1
	}
	return 0
}

// become turns a process into what s says, and returns what that process has found out about
// itself.
func become(t *testing.T, s supervise.Spawn, env ...string) (d dumped, out string, code int) {
	t.Helper()
	if s.Argv == nil {
		s.Argv = playing("dump")
	}
	cmd := part(t, "spawn", s)
	// In the background of a script, as it is in use.
	script := exec.Command("/bin/sh", "-c", `"$@" & wait $!`, "sh")
	script.Args = append(script.Args, cmd.Args...)
	script.Env = append(cmd.Env, env...)
	stdout, err := script.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text := stdout
	if s.Output != "" {
		if text, err = os.ReadFile(s.Output); err != nil {
			t.Log(err)
		}
		text = text[max(0, strings.LastIndex(string(text), "{\"")):]
	}
	_ = json.Unmarshal(text, &d)
	return d, string(stdout), script.ProcessState.ExitCode()
}

func TestSpawn(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	core := uint64(0)
	d, out, code := become(t, supervise.Spawn{
		Umask: 0o027, Nice: 3, NoFile: 99, Core: &core, NoNewPrivileges: true, Directory: dir,
		Keep: []string{"KEPT", "ABSENT"}, Path: "/opt/bin", Starter: "sysv",
	}, "KEPT=it's $(x)\n", "LOST=1", "RUNTIME_DIRECTORY=/run/feedd")
	if code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	for _, c := range []struct {
		what string
		ok   bool
	}{
		{"umask", d.Umask == 0o027},
		{"nice", d.Nice == 20-3 || d.Nice == 3},
		{"nofile", d.NoFile == 99},
		{"core", d.Core == 0},
		{"directory", d.Dir == dir},
		{"session", d.Session == d.PID},
		{"SIGHUP", d.IgnoresHUP},
		{"SIGINT", d.Interrupts},
		{"kept variable", slices.Contains(d.Env, "KEPT=it's $(x)\n")},
		{"directories", slices.Contains(d.Env, "RUNTIME_DIRECTORY=/run/feedd")},
		{"PATH", slices.Contains(d.Env, "PATH=/opt/bin")},
		{"other variables", !strings.Contains(strings.Join(d.Env, " "), "LOST")},
		{"starter", slices.Contains(d.Env, fmt.Sprintf("%s=sysv %d", native.StarterVariable, d.PID))},
		{"no_new_privileges", d.Status == "" || strings.Contains(d.Status, "NoNewPrivs:\t1")},
	} {
		if !c.ok {
			t.Errorf("%s: %+v", c.what, d)
		}
	}
	d, _, _ = become(t, supervise.Spawn{})
	if d.Dir != "/" || !slices.ContainsFunc(d.Env, func(v string) bool { return strings.HasPrefix(v, "PATH=/usr/local/sbin:") }) {
		t.Errorf("defaults: %+v", d)
	}
}

// A service does not inherit what the caller of its script has open.
func TestSpawnInheritsNothing(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for program, want := range map[string]string{"/bin/sh": "has 3\n", "spawn": "has no 3\n"} {
		argv := []string{"/bin/sh", "-c", "if ( : >&3 ) 2>/dev/null; then echo has 3; else echo has no 3; fi"}
		cmd := exec.Command(argv[0], argv[1:]...)
		if program == "spawn" {
			cmd = part(t, "spawn", supervise.Spawn{Argv: argv})
		}
		cmd.ExtraFiles = []*os.File{null}
		if out, err := cmd.Output(); err != nil || string(out) != want {
			t.Errorf("%s: %q, %v, want %q", program, out, err, want)
		}
	}
}

// The output of a process goes to a file that belongs to the user. It is begun anew when it
// has become large.
func TestSpawnOutput(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "output.log")
	for range 2 {
		if _, text, code := become(t, supervise.Spawn{Output: out, Umask: 0o027}); code != 0 || text != "" {
			t.Fatalf("code %d: %s", code, text)
		}
	}
	content, err := os.ReadFile(out)
	if err != nil || strings.Count(string(content), "\n") != 2 {
		t.Errorf("appended: %v: %q", err, content)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Truncate(out, supervise.MaxOutput); err != nil {
		t.Fatal(err)
	}
	if _, text, code := become(t, supervise.Spawn{Output: out}); code != 0 {
		t.Fatalf("code %d: %s", code, text)
	}
	if info, err := os.Stat(out + ".old"); err != nil || info.Size() != supervise.MaxOutput {
		t.Errorf("the old one: %v, %v", info, err)
	}

	// A trap that somebody has laid there.
	target := filepath.Join(dir, "target")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Chmod(dir, 0o770)); err != nil { //nolint:gosec // others may write there
		t.Fatal(err)
	}
	for _, lay := range []func(string, string) error{os.Symlink, os.Link} {
		trap := filepath.Join(dir, "trap")
		if err := lay(target, trap); err != nil {
			t.Fatal(err)
		}
		if _, text, code := become(t, supervise.Spawn{Output: trap}); code != 51 {
			t.Errorf("code %d: %s", code, text)
		}
		if err := os.Remove(trap); err != nil {
			t.Fatal(err)
		}
	}
	if content, err := os.ReadFile(target); err != nil || len(content) != 0 {
		t.Errorf("written through a link: %q, %v", content, err)
	}
}

func TestSpawnFails(t *testing.T) {
	for name, tt := range map[string]struct {
		s    supervise.Spawn
		says string
	}{
		"unknown user":    {supervise.Spawn{User: "nobody-of-that-name"}, "nobody-of-that-name"},
		"unknown group":   {supervise.Spawn{Group: "no-group-of-that-name"}, "no-group-of-that-name"},
		"no directory":    {supervise.Spawn{Directory: "/nonexistent/x"}, "working_directory"},
		"impossible nice": {supervise.Spawn{NoFile: 1 << 62}, "limits.nofile"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, out, code := become(t, tt.s); code != 51 || !strings.Contains(out, tt.says) {
				t.Errorf("code %d: %s", code, out)
			}
		})
	}
}

func TestSpawnUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	program := public(t)
	for name, tt := range map[string]struct {
		s      supervise.Spawn
		uid    int
		gid    int
		groups []int
		home   bool
	}{
		"by name":                {supervise.Spawn{User: "nobody"}, 65534, 65534, []int{65534}, true},
		"by number":              {supervise.Spawn{User: "65534"}, 65534, 65534, []int{65534}, true},
		"number that nobody has": {supervise.Spawn{User: "54321", Group: "65534"}, 54321, 65534, nil, false},
		"group and more groups":  {supervise.Spawn{User: "nobody", Group: "1", Groups: []string{"2", "3"}}, 65534, 1, []int{65534, 2, 3}, true},
		"group alone":            {supervise.Spawn{Group: "1"}, 0, 1, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.s.Argv = append([]string{program}, playing("dump")[1:]...)
			tt.s.Nice = -1 // asked for before the rights are gone
			d, out, code := become(t, tt.s)
			if code != 0 || d.UID != tt.uid || d.GID != tt.gid {
				t.Fatalf("code %d, %s%+v", code, out, d)
			}
			slices.Sort(d.Groups)
			slices.Sort(tt.groups)
			// The system may list the group among the groups.
			if got := slices.DeleteFunc(d.Groups, func(g int) bool { return g == tt.gid && !slices.Contains(tt.groups, g) }); !slices.Equal(got, tt.groups) {
				t.Errorf("groups %v, want %v", got, tt.groups)
			}
			if got := slices.ContainsFunc(d.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") }); got != tt.home {
				t.Errorf("environment %q", d.Env)
			}
		})
	}
}

// public returns a copy of the test binary that everybody may execute.
func public(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "supervise") //nolint:usetesting // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(program, content, 0o755)); err != nil {
		t.Fatal(err)
	}
	return program
}

// How the service ended decides whether it is spawned again.
func TestSpawnEnded(t *testing.T) {
	for name, tt := range map[string]struct {
		before  string // content; "-" is no file: a first start
		restart platform.RestartPolicy
		spawned bool
	}{
		"first start":                 {"-", platform.RestartNever, true},
		"killed, on-failure":          {"", platform.RestartOnFailure, true},
		"killed, never":               {"", platform.RestartNever, false},
		"failed, on-failure":          {"1\n", platform.RestartOnFailure, true},
		"failed, never":               {"1\n", platform.RestartNever, false},
		"done, on-failure":            {"0\n", platform.RestartOnFailure, false},
		"done, always":                {"0\n", platform.RestartAlways, true},
		"already running, always":     {"75\n", platform.RestartAlways, false},
		"not permitted, on-failure":   {"77\n", platform.RestartOnFailure, false},
		"bad configuration, always":   {"78\n", platform.RestartAlways, false},
		"nonsense counts as a crash":  {"nonsense, and a lot of it, and more of it", platform.RestartAlways, true},
		"nonsense, when never is set": {"\x00", platform.RestartNever, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ended")
			if tt.before != "-" {
				if err := os.WriteFile(file, []byte(tt.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, out, code := become(t, supervise.Spawn{Ended: file, Restart: platform.Restart{Policy: tt.restart}})
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.spawned && (code != 0 || !d.Ended || string(content) != "78\n"):
				t.Errorf("not spawned, or not heard of: code %d, %s, left %q", code, out, content)
			case !tt.spawned && (code != 50 || !strings.Contains(out, "not a supervise-daemon") || string(content) != tt.before):
				// Its parent here is none, and is left alone.
				t.Errorf("code %d, %s, left %q", code, out, content)
			}
		})
	}
}

// The service gets what a sourced file exports instead of its earlier values. A missing file
// changes nothing, and a faulty one prevents the start.
func TestSpawnSourced(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "feed")
	s := supervise.Spawn{Sourced: file, Keep: []string{"KEPT", "GONE"}, Starter: "sysv"}
	given := []string{"KEPT=definition", "GONE=1"}
	d, out, code := become(t, s, given...)
	if code != 0 || !slices.Contains(d.Env, "KEPT=definition") {
		t.Errorf("without the file: code %d, %q: %s", code, d.Env, out)
	}
	text := "echo printed\nOWN=shell\nexport SAID=\"two\nlines\" LATE=$OWN\nKEPT=file\nunset GONE\nPATH=/opt/x:$PATH\ntest $# -eq 0 && export BARE=1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, out, code = become(t, s, given...)
	if code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	for _, want := range []string{"SAID=two\nlines", "LATE=shell", "KEPT=file", "BARE=1", native.StarterVariable + "=sysv " + strconv.Itoa(d.PID)} {
		if !slices.Contains(d.Env, want) {
			t.Errorf("no %q in %q", want, d.Env)
		}
	}
	for _, v := range d.Env {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"GONE", "OWN", "PWD", "SHLVL", "_"}, name) || name == "PATH" && !strings.HasPrefix(value, "/opt/x:/") {
			t.Errorf("it has %s", v)
		}
	}
	if err := os.WriteFile(file, []byte("export BAD=1\n(\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, code = become(t, s, given...); code != 51 || !strings.Contains(out, file) {
		t.Errorf("code %d: %s", code, out)
	}
}
