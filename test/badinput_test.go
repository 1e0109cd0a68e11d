//go:build linux || darwin

package test_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Mistakes of users, administrators and other programs. Each leads to a clear message that
// says what to do, and to the right exit code. Nothing is left behind and no lock stays held.

func TestBadInput_Configuration(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"bad TOML":            {"[service]\nstop_timeout =\n", []string{":2: "}},
		"unknown key":         {"[service]\nstop_timeuot = \"1s\"\n", []string{":2: ", "service.stop_timeuot", "unknown", `did you mean "stop_timeout"`}},
		"unknown table":       {"[servcie]\n", []string{":1: ", "servcie", "unknown"}},
		"wrong type":          {"[service]\nsupervise = \"maybe\"\n", []string{":2: ", "supervise"}},
		"a list for a text":   {"[service]\numask = [1]\n", []string{":2: ", "umask"}},
		"negative timeout":    {"[service]\nstop_timeout = \"-5s\"\n", []string{":2: ", "service.stop_timeout", "-5s is negative"}},
		"timeout, no unit":    {"[service]\nstart_timeout = 30\n", []string{":2: ", "service.start_timeout", `needs a unit, as in "30s"`}},
		"no duration":         {"[service]\nwatchdog = \"soon\"\n", []string{":2: ", "watchdog"}},
		"no policy":           {"[service.restart]\npolicy = \"often\"\n", []string{":2: ", "service.restart.policy", "on-failure"}},
		"no level":            {"[service.log]\nlevel = \"loud\"\n", []string{":2: ", "service.log.level", "debug"}},
		"relative directory":  {"[service]\nworking_directory = \"here\"\n", []string{":2: ", "not an absolute path"}},
		"no octal":            {"[service]\numask = \"99\"\n", []string{":2: ", "umask", "octal"}},
		"empty name":          {"[service]\nname = \"\"\n", []string{":2: ", "service.name"}},
		"name with a space":   {"[service]\nname = \"a b\"\n", []string{":2: ", "service.name", "a b"}},
		"name with a path":    {"[service]\nname = \"../feedd\"\n", []string{":2: ", "service.name", "../feedd"}},
		"name with a newline": {"[service]\nname = \"a\\nb\"\n", []string{":2: ", "service.name"}},
		"binary":              {"\x00\xff\xfe", nil},
		"two mistakes": {
			"[service]\nstop_timeout = \"-5s\"\numask = \"99\"\n",
			[]string{":2: ", "service.stop_timeout", ":3: ", "service.umask"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.configure(t, c.text)
			a := p.start(t, plan{})
			a.end(t).want(t, 78, append(c.says, "feedd: run \"feedd\": bad configuration", p.config)...)
			if a.out.text() != "" {
				t.Errorf("it came as far as its program:\n%s", a.out.text())
			}
			for _, dir := range []string{p.run, p.state} {
				if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s was made: %v", dir, err)
				}
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		p := newPlace(t)
		p.config = filepath.Join(t.TempDir(), "none.toml")
		p.start(t, plan{}).end(t).want(t, 78, "bad configuration", p.config, "no such file")
	})
	t.Run("a directory", func(t *testing.T) {
		p := newPlace(t)
		p.config = t.TempDir()
		p.start(t, plan{}).end(t).want(t, 78, "bad configuration", p.config)
	})
}

// If the configuration becomes bad while the service runs, status and stop still work.
func TestBadInput_ConfigurationWentBad(t *testing.T) {
	p := newPlace(t)
	p.configure(t, "[feedd]")
	a := p.ready(t, plan{})
	p.configure(t, "[service]", "stop_timeout =")
	if s := p.status(t, 0); s.PID != a.pid {
		t.Errorf("status: %+v", s)
	}
	p.do(t, "reload").want(t, 78, "not requested", "feedd.toml", ":2: ")
	p.do(t, "reload", "--direct").want(t, 1, "feedd.toml", ":2: ")
	p.do(t, "restart").want(t, 78, "feedd.toml", ":2: ")
	p.do(t, "stop").want(t, 0)
	a.end(t).want(t, 0)
	p.clean(t)
}

func TestBadInput_CommandLine(t *testing.T) {
	p := newPlace(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"unknown command":  {[]string{"sotp"}, 2, []string{"sotp", "--help"}},
		"unknown flag":     {[]string{"stop", "--force"}, 2, []string{"--force", "--help"}},
		"too much":         {[]string{"stop", "feedd"}, 2, []string{"feedd"}},
		"bad duration":     {[]string{"stop", "--timeout", "5"}, 2, []string{"--timeout", "missing unit"}},
		"unknown manager":  {[]string{"stop", "--manager", "upstart"}, 2, []string{"upstart", "systemd"}},
		"unknown scope":    {[]string{"status", "--scope", "world"}, 2, []string{"world", "system"}},
		"illegal instance": {[]string{"run", "--instance", "a/b"}, 2, []string{"instance", "a/b"}},
		"no start by hand": {[]string{"start"}, 1, []string{"without one only `run`"}},
	} {
		t.Run(name, func(t *testing.T) {
			// The lines of the case come last, so that they win.
			args := append([]string{c.args[0]}, p.where()...)
			p.launch(t, "service", plan{}, append(args, c.args[1:]...)...).end(t).want(t, c.code, c.says...)
		})
	}
	p.clean(t)
}

// traps put something else in the place of a PID file.
var traps = map[string]struct {
	set  func(path string) error
	says string
}{
	"a symbolic link": {func(path string) error { return os.Symlink("/etc/hostname", path) }, "a symbolic link"},
	"a dangling link": {func(path string) error { return os.Symlink(path+".elsewhere", path) }, "a symbolic link"},
	"a directory":     {func(path string) error { return os.Mkdir(path, 0o755) }, "a directory"},
	"a FIFO":          {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "a FIFO"},
	"another file's 2nd name": {func(path string) error {
		return errors.Join(os.WriteFile(path+".victim", []byte("4711\n"), 0o644), os.Link(path+".victim", path), os.Chmod(filepath.Dir(path), 0o775))
	}, "2 hard links"},
}

func TestBadInput_PIDPathIsATrap(t *testing.T) {
	for name, trap := range traps {
		for _, which := range []func(*place) string{(*place).pidFile, (*place).lockFile, (*place).mutexFile} {
			p := newPlace(t)
			path := which(p)
			t.Run(name+"/"+filepath.Ext(path), func(t *testing.T) {
				must(t, errors.Join(os.MkdirAll(p.run, 0o755), os.MkdirAll(p.state, 0o755)))
				must(t, trap.set(path))
				info, err := os.Lstat(path)
				must(t, err)
				a := p.start(t, plan{})
				a.end(t).want(t, 78, path, trap.says, "not safe to use", "remove")
				if a.out.text() != "" {
					t.Errorf("it came as far as its program:\n%s", a.out.text())
				}
				p.do(t, "stop").want(t, 0, "not running")
				p.do(t, "reload").want(t, 1, "not running")
				if path == p.pidFile() {
					p.do(t, "status").want(t, 1)
				} else {
					p.do(t, "status").want(t, 3)
				}
				if after, err := os.Lstat(path); err != nil || !os.SameFile(info, after) || !after.ModTime().Equal(info.ModTime()) {
					t.Errorf("%s was touched: %v, %v", path, after, err)
				}
				if _, err := os.Lstat(path + ".elsewhere"); !errors.Is(err, fs.ErrNotExist) {
					t.Error("it wrote through the link")
				}
				if victim := path + ".victim"; strings.Contains(name, "2nd") {
					if content(t, victim) != "4711\n" {
						t.Errorf("it wrote into another file: %q", content(t, victim))
					}
					must(t, os.Remove(victim))
				}
				must(t, os.RemoveAll(path)) // what it said to do
				p.free(t)
			})
		}
	}
}

func TestBadInput_Directories(t *testing.T) {
	mode := func(which func(*place) string, mode fs.FileMode) func(*testing.T, *place) {
		return func(t *testing.T, p *place) {
			dir := which(p)
			must(t, errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, mode)))
			if p.attr != nil && p.attr.Credential != nil && mode&0o002 == 0 {
				must(t, os.Chown(dir, 0, 0))
			}
		}
	}
	run, state := func(p *place) string { return p.run }, func(p *place) string { return p.state }
	for name, c := range map[string]struct {
		spoil func(*testing.T, *place)
		code  int
		says  []string
	}{
		"runtime directory for everybody":         {mode(run, 0o777), 78, []string{"run", "writable by everybody", "0777", "chmod o-w"}},
		"runtime directory for everybody, sticky": {mode(run, 0o777|fs.ModeSticky), 78, []string{"writable by everybody", "chmod o-w"}},
		"state directory for everybody":           {mode(state, 0o777), 78, []string{"state", "writable by everybody", "chmod o-w"}},
		"runtime directory unreadable":            {mode(run, 0), 77, []string{"run", "not permitted", "permission denied", "run as a user who has access"}},
		"runtime directory not writable":          {mode(run, 0o555), 77, []string{"run/feedd.pid", "not permitted", "permission denied", "run as a user who has access"}},
		"state directory unreadable":              {mode(state, 0), 77, []string{"state", "not permitted", "permission denied", "run as a user who has access"}},
		"state directory not writable":            {mode(state, 0o555), 77, []string{"state/feedd.mutex", "not permitted", "permission denied", "run as a user who has access"}},
		"no directory can be made": {func(t *testing.T, p *place) {
			mode(func(p *place) string { return filepath.Dir(p.run) }, 0o555)(t, p)
		}, 77, []string{"not permitted", "permission denied", "run as a user who has access"}},
		"runtime directory is a file": {func(t *testing.T, p *place) {
			must(t, os.WriteFile(p.run, nil, 0o644))
		}, 78, []string{"run is not a directory", "remove it"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			if os.Geteuid() == 0 {
				p = publicPlace(t, plainUser) // nothing is unreadable to root
			}
			c.spoil(t, p)
			a := p.start(t, plan{})
			a.end(t).want(t, c.code, append(c.says, "single instance of")...)
			if a.out.text() != "" {
				t.Errorf("it came as far as its program:\n%s", a.out.text())
			}
			if _, err := os.Lstat(p.pidFile()); err == nil {
				t.Error("a PID file was left")
			}
			if strings.Contains(name, "unreadable") {
				p.do(t, "status").want(t, 4, "permission denied")
				p.do(t, "stop").want(t, 77, "permission denied", "run as a user who has access")
			}
		})
	}
}

// The files that only the service writes contain junk: a start treats it as left by a
// crash, and other commands ignore it.
func TestBadInput_JunkInOurFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "truncated": `{"pid":47`, "binary": "\x00\xff\xfe", "null": "null", "a list": "[1]",
		"another type": `{"pid":"1","process":1,"started":1}`, "init": `{"pid":1,"process":{"pid":1,"start":1,"boot":"x"},"start":1,"boot":"x"}`,
		"huge": strings.Repeat("9", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, path := range []string{p.lockFile(), p.lastRun(), p.stateFile(), p.pidFile()} {
				p.leave(t, path, text)
			}
			p.do(t, "status").want(t, 1, "dead")
			p.do(t, "stop").want(t, 0, "not running")
			a := p.ready(t, plan{})
			p.holds(t, a)
			// The same while the service runs.
			must(t, os.WriteFile(p.stateFile(), []byte(text), 0o644))
			// The phase may be any, and unknown if the service took its lock long ago.
			if res := p.do(t, "status", "--json"); !strings.Contains(res.out, fmt.Sprintf(`"pid": %d`, a.pid)) {
				t.Errorf("status with junk for a state: %s%s", res.out, res.err)
			}
			p.do(t, "reload").want(t, 0)
			if s := p.status(t, 0); !s.Ready {
				t.Errorf("status after the next change: %+v", s)
			}
			a.stop(t)
			p.clean(t)
		})
	}
}
