package files_test

import (
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func TestSpaceOf(t *testing.T) {
	dir := t.TempDir()
	s, err := files.SpaceOf(dir)
	if err != nil || s.Size == 0 || s.Free > s.Size || s.FreeInodes > s.Inodes || s.Device == "" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := files.SpaceOf(filepath.Join(dir, "none", "x")); err == nil {
		t.Errorf("of nothing: %+v", s)
	}
}
