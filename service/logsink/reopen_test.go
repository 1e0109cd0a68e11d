package logsink_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// What others do to a log file while it is open. On Windows nobody can rename or
// remove it, except where the emulation of Windows lets them.

// noticed runs a test in which no time passes before a change of the file is noticed.
func noticed(t *testing.T, test func(t *testing.T, b *bed, path string, pass func())) {
	t.Helper()
	for name, pass := range map[string]func(*bed){
		"by itself": func(*bed) { time.Sleep(time.Second) },
		"at Reopen": func(b *bed) { b.Reopen() },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "feedd.log")
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
				b.Logger().Info("one")
				b.flush(t)
				test(t, b, path, func() { pass(b) })
			})
		})
	}
}

// text returns the content of a file without the times.
func text(t *testing.T, path string) string {
	t.Helper()
	return strings.ReplaceAll(read(t, path), stamp+"[INFO]  ", "")
}

func want(t *testing.T, path, lines string) {
	t.Helper()
	if got := text(t, path); got != lines {
		t.Errorf("%s has %.200q, want %.200q", filepath.Base(path), got, lines)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("a file that is open cannot be renamed here: ", err)
		}
		t.Fatal(err)
	}
}

// "mv x.log x.log.1" is how logrotate works by default.
func TestIssue9E_RenamedFile(t *testing.T) {
	noticed(t, func(t *testing.T, b *bed, path string, pass func()) {
		rename(t, path, path+".1")
		pass()
		b.Logger().Info("two")
		b.flush(t)
		want(t, path+".1", "one\n")
		want(t, path, "two\n")
	})
}

// The same with "create" in logrotate's configuration.
func TestIssue9E_ReplacedFile(t *testing.T) {
	noticed(t, func(t *testing.T, b *bed, path string, pass func()) {
		rename(t, path, path+".1")
		if err := os.WriteFile(path, []byte("new\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		pass()
		b.Logger().Info("two")
		b.flush(t)
		want(t, path+".1", "one\n")
		want(t, path, "new\ntwo\n")
	})
}

func TestIssue9E_RemovedFile(t *testing.T) {
	noticed(t, func(t *testing.T, b *bed, path string, pass func()) {
		rename(t, path, path+".1")
		if err := os.Remove(path + ".1"); err != nil {
			t.Fatal(err)
		}
		pass()
		b.Logger().Info("two")
		b.flush(t)
		want(t, path, "two\n")
	})
}

// After copytruncate, the next line is at the beginning of the file, and the size counts from
// there. That also holds after a rotation of our own.
func TestIssue9E_TruncatedFile(t *testing.T) {
	for name, before := range map[string]func(b *bed){
		"fresh": func(*bed) {},
		"rotated": func(b *bed) {
			for range 2 {
				b.Logger().Info(strings.Repeat("x", 600_000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			noticed(t, func(t *testing.T, b *bed, path string, pass func()) {
				before(b)
				b.Logger().Info(strings.Repeat("y", 900_000))
				b.flush(t)
				aside, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "feedd-*"))
				if err := os.Truncate(path, 0); err != nil {
					t.Fatal(err)
				}
				pass()
				long := strings.Repeat("z", 900_000)
				b.Logger().Info(long)
				b.flush(t)
				want(t, path, long+"\n")
				if now, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "feedd-*")); len(now) != len(aside) {
					t.Errorf("put aside: %v, before %v", now, aside)
				}
			})
		})
	}
}

// A file that somebody else puts at the path just before our rotation is not rotated instead
// of ours.
func TestIssue9E_RotationLooksFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	b.Logger().Info(strings.Repeat("x", 900_000))
	b.flush(t)
	rename(t, path, path+".1")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info(strings.Repeat("y", 900_000))
	b.flush(t)
	if got, want := names(t, filepath.Dir(path)), "feedd.log feedd.log.1"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
}

// If a file cannot be opened again, no line is lost, and the next line tries again.
func TestIssue9E_ReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	path := filepath.Join(dir, "feedd.log")
	b := newBed(t, logsink.Options{File: path})
	b.Logger().Info("one")
	b.flush(t)
	rename(t, dir, dir+".away")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Reopen()
	b.Logger().Info("two")
	lines := strings.Split(b.errText(t), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "[ERROR] the log file cannot be opened: ") ||
		!strings.HasPrefix(lines[0], "<3>") || lines[1] != "<6>"+stamp+"[INFO]  two" {
		t.Errorf("on stderr: %q", lines)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("three")
	b.flush(t)
	want(t, path, "three\n")
	want(t, filepath.Join(dir+".away", "feedd.log"), "one\n")
}

// Other sinks have nothing to open again.
func TestReopenOfNothing(t *testing.T) {
	b := newBed(t, logsink.Options{})
	b.Reopen()
	b.Logger().Info("one")
	if got := b.errText(t); got != stamp+"[INFO]  one\n" {
		t.Errorf("%q", got)
	}
}
