package logsink_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

const filler = 25 // lines of 100 kB

// rotate logs until the file has been rotated twice, and returns the files in order.
func rotate(t *testing.T, b *bed, path string) []string {
	t.Helper()
	msg := strings.Repeat("x", 100_000)
	for i := range filler {
		b.Logger().Info(msg, "i", i)
	}
	b.flush(t)
	all, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "*")
	if err != nil || len(all) < 3 {
		t.Fatalf("2.5 MB made %v (%v)", all, err)
	}
	return all // "feedd-2026…" sorts before "feedd.log"
}

func TestRotationLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	var all strings.Builder
	for _, p := range rotate(t, b, path) {
		content := read(t, p)
		if len(content) > 1<<20 {
			t.Errorf("%s has %d bytes", p, len(content))
		}
		all.WriteString(content)
	}
	lines := strings.Split(strings.TrimSuffix(all.String(), "\n"), "\n")
	if len(lines) != filler {
		t.Fatalf("%d lines, want %d", len(lines), filler)
	}
	for i, line := range lines {
		if _, got, _ := strings.Cut(line, "i="); got != strconv.Itoa(i) {
			t.Errorf("line %d ends with i=%s", i, got)
		}
	}
	if got := b.errText(t); got != "" {
		t.Errorf("on stderr: %.200q", got)
	}
}

// The name of a rotated file has the millisecond. Of two rotations within the same one, the
// second must not overwrite the file of the first. Each line here causes a rotation, and none
// has to be rendered.
func TestRotationsWithinAMillisecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	put, shut, err := logsink.OpenFile(logsink.Options{File: path, MaxSizeMB: 1, MaxBackups: 1000})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 50
	line := append(make([]byte, 0, 600_001), strings.Repeat("x", 600_000)...) // room for the newline: no copy
	for range lines {
		if err := put(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := shut(); err != nil {
		t.Fatal(err)
	}
	if all, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "feedd*")); len(all) != lines {
		t.Errorf("%d files, want one for each of %d lines", len(all), lines)
	}
}

// The content that an earlier run has left in the file counts.
func TestRotationCountsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 1<<20-10)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	b.Logger().Info("new")
	b.flush(t)
	if got, want := read(t, path), stamp+"[INFO]  new\n"; got != want {
		t.Errorf("the file begins %.50q, want %q", got, want)
	}
	if all, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "feedd-*")); len(all) != 1 {
		t.Errorf("put aside: %v", all)
	}
}

func TestRotationRemovesOldBackups(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "feedd.log")
	for _, day := range []string{"01", "02", "03"} {
		if err := os.WriteFile(filepath.Join(dir, "feedd-2020-01-"+day+"T00-00-00.000.log"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	others := []string{"feedd-2020-01-01.log", "feedd-2020-01-01T00-00-00.000.txt", "feedd2-2020-01-01T00-00-00.000.log"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newBed(t, logsink.Options{File: path, MaxBackups: 1})
	want := []string{"feedd-2020-01-03T00-00-00.000.log", "feedd.log"}
	if got, want := names(t, dir), sorted(append(want, others...)); got != want {
		t.Errorf("left is %s, want %s", got, want)
	}
	newBed(t, logsink.Options{File: path, MaxAgeDays: 365})
	if got, want := names(t, dir), sorted(append(want[1:], others...)); got != want {
		t.Errorf("of the last year is %s, want %s", got, want)
	}
}

func TestWhatTheFileDoesNotTakeGoesToStderr(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	big := strings.Repeat("x", 1<<20) // more than a file may be
	b.Logger().Warn(big)
	if got, want := b.errText(t), "<4>"+stamp+"[WARN]  "+big+"\n"; got != want {
		t.Errorf("stderr has %d bytes, want %d", len(got), len(want))
	}
	b.Logger().Info("before")
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	b.Logger().Info("after", "k", "two\nlines")
	if got, want := read(t, path), stamp+"[INFO]  before\n"; got != want {
		t.Errorf("file %q, want %q", got, want)
	}
	want := "<6>" + stamp + "[INFO]  after:\n<6>  k=\n<6>  | two\n<6>  | lines\n<6>  \n"
	if got := b.errText(t); !strings.HasSuffix(got, want) {
		t.Errorf("stderr ends %q, want %q", got[max(0, len(got)-len(want)):], want)
	}
}

func sorted(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), " ")
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
