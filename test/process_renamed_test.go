//go:build linux || darwin

package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// "A service whose file is renamed, replaced or confirmed under it is stopped, reloaded and
// shown like any other": the path of the image is not part of a process's identity.
func TestIssue11_TheProgramsFileMovesUnderTheService(t *testing.T) {
	const (
		newer   = "the program on disk is newer"
		missing = "no longer exists"
	)
	for name, c := range map[string]struct {
		move func(t *testing.T, exe string)
		says string // of the program on disk; nothing is said if empty
	}{
		"nothing":          {func(*testing.T, string) {}, ""},
		"renamed":          {func(t *testing.T, exe string) { must(t, os.Rename(exe, exe+".old")) }, missing},
		"deleted":          {func(t *testing.T, exe string) { must(t, os.Remove(exe)) }, missing},
		"renamed over":     {func(t *testing.T, exe string) { anotherFile(t, exe, exe+".new"); must(t, os.Rename(exe+".new", exe)) }, newer},
		"over by the same": {func(t *testing.T, exe string) { copyFile(t, exe, exe+".new"); must(t, os.Rename(exe+".new", exe)) }, ""},
		"replaced by old":  {replaceByOld, newer},
		"aside and anew":   {func(t *testing.T, exe string) { must(t, os.Rename(exe, exe+".old")); anotherFile(t, exe+".old", exe) }, newer},
		"hard-linked":      {func(t *testing.T, exe string) { must(t, os.Link(exe, exe+".too")) }, ""},
		"linked and renamed back": {func(t *testing.T, exe string) {
			must(t, os.Link(exe, exe+".too"))
			must(t, os.Remove(exe))
			must(t, os.Rename(exe+".too", exe))
		}, ""},
		"its directory renamed": {func(t *testing.T, exe string) {
			must(t, os.Rename(filepath.Dir(exe), filepath.Dir(exe)+".old"))
		}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			commands := *p // by a file that stays
			p.exe = filepath.Join(t.TempDir(), "bin", "feedd")
			must(t, os.Mkdir(filepath.Dir(p.exe), 0o755))
			copyFile(t, commands.exe, p.exe)

			a := p.ready(t, plan{})
			c.move(t, p.exe)
			if s := commands.status(t, 0); s.PID != a.pid || !s.Ready || s.Phase != "ready" {
				t.Errorf("status knows it as %+v, it is %d and ready", s, a.pid)
			}
			said := commands.do(t, "status")
			said.want(t, 0, " is ready", c.says)
			for _, text := range []string{newer, missing} {
				if c.says != text && strings.Contains(said.out, text) {
					t.Errorf("it says %q:\n%s", text, said.out)
				}
			}
			if commands.do(t, "reload").want(t, 0); t.Failed() {
				return
			}
			a.log.await(t, "reloaded")
			commands.start(t, plan{}).end(t).want(t, 75, "already running", "pid ")
			commands.do(t, "stop").want(t, 0)
			if r := a.end(t); r.code != 0 {
				t.Errorf("it ended with %d", r.code)
			}
			commands.do(t, "status").want(t, 3, "stopped")
		})
	}
}

// replaceByOld replaces the file by one with an old time, as a package manager does.
func replaceByOld(t *testing.T, exe string) {
	t.Helper()
	anotherFile(t, exe, exe+".new")
	old := time.Now().Add(-1000 * time.Hour)
	must(t, os.Chtimes(exe+".new", old, old))
	must(t, os.Rename(exe+".new", exe))
}

// anotherFile makes a copy of a program that counts as another program.
func anotherFile(t *testing.T, from, to string) {
	t.Helper()
	copyFile(t, from, to)
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("another version\n")
	must(t, errors.Join(err, f.Close()))
}
