package bed_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

func TestKnownKinds(t *testing.T) {
	t.Setenv("BEDS_DIR", filepath.Join(t.TempDir(), "none"))
	managers := map[string]bool{"systemd": true, "sysv": true, "openrc": true, "scm": true}
	seen := make(map[string]bool)
	for _, kind := range bed.Known() {
		if seen[kind.Name] || !managers[kind.Manager] {
			t.Errorf("kind %+v: name twice, or manager unknown to holdfast", kind)
		}
		seen[kind.Name] = true
		if want := filepath.Join(bed.Dir(), kind.Name, "root"); kind.Root != want {
			t.Errorf("kind %s: root %s, want %s", kind.Name, kind.Root, want)
		}
		if _, err := bed.Find(kind.Name); !errors.Is(err, bed.ErrNotBuilt) {
			t.Errorf("Find(%q) in an empty cache: %v, want ErrNotBuilt", kind.Name, err)
		}
	}
	if kinds := bed.Kinds(); len(kinds) != 0 {
		t.Errorf("kinds in an empty cache: %v", kinds)
	}
	if _, err := bed.Find("nonesuch"); err == nil || errors.Is(err, bed.ErrNotBuilt) {
		t.Errorf("Find of an unknown name: %v", err)
	}
}

func TestBootWithoutRoot(t *testing.T) {
	t.Setenv("BEDS_DIR", filepath.Join(t.TempDir(), "none"))
	_, err := bed.Boot(context.Background(), bed.Known()[0])
	if err == nil {
		t.Fatal("booted a root that is not there")
	}
	if runtime.GOOS != "linux" && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v, want ErrUnsupported", err)
	}
}
