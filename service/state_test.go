package service_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
)

func TestReadState(t *testing.T) {
	if _, err := service.ReadState(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	for _, junk := range []string{"", "{", "[]", `{"phase":7}`, "\x00"} {
		path := filepath.Join(t.TempDir(), "x.state.json")
		if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := service.ReadState(path); err == nil {
			t.Errorf("%q was read as %+v", junk, s)
		}
	}
}

// A state file that somebody else wrote must at worst be refused.
func FuzzReadState(f *testing.F) {
	f.Add([]byte(`{"name":"x","process":{"pid":1,"start":2,"boot":"b"},"phase":"ready","reloads":{"last_start_ns":5},"stop":{"steps":[{"name":"Stop"}]}}`))
	f.Add([]byte(`{"stop":null,"started_at":"yesterday"}`))
	path := filepath.Join(f.TempDir(), "x.state.json")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := service.ReadState(path); err != nil && s.Name != "" {
			t.Errorf("%q: a state beside the error %v", content, err)
		}
	})
}
