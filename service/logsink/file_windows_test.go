package logsink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A program that does not share the file for deletion prevents its rotation, perhaps for hours
// (Get-Content -Wait). No line may be lost, and the file is rotated afterwards.
func TestRotationOutlastsAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	b.Logger().Info("begins")
	b.flush(t)
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err == nil {
		t.Skip("a file that is open can be renamed here")
	}
	msg := strings.Repeat("x", 100_000)
	for i := range filler {
		b.Logger().Info(msg, "i", i)
	}
	b.flush(t)
	_ = reader.Close()
	if got := strings.Count(read(t, path), "\n"); got != filler+1 {
		t.Errorf("%d lines, want %d", got, filler+1)
	}
	if got := b.errText(t); got != "" {
		t.Errorf("on stderr: %.200q", got)
	}
	b.Logger().Info("new")
	b.flush(t)
	if got, want := read(t, path), stamp+"[INFO]  new\n"; got != want {
		t.Errorf("the file begins %.50q, want %q", got, want)
	}
}
