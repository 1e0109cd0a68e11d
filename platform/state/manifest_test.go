package state_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
)

func TestManifest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "holdfast")
	path := state.ManifestPath(dir, "feedd@west")
	if _, err := state.ReadManifest(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	want := state.Manifest{
		Format: 1, Name: "feedd", Instance: "west", Scope: platform.ScopeSystem, Manager: "systemd", Program: "/usr/bin/feedd",
		Told: map[string]string{"config": "/c", "user": ""}, Settings: map[string]string{"user": "x"}, Changed: time.Now().UTC().Truncate(time.Second),
	}
	if err := state.WriteManifest(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := state.ReadManifest(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	other := state.ManifestPath(dir, "feedd")
	if err := errors.Join(state.WriteManifest(other, want), state.RemoveManifest(path), state.RemoveManifest(path)); err != nil {
		t.Error(err)
	}
	if _, err := state.ReadManifest(other); err != nil {
		t.Errorf("of another service: %v", err)
	}
	if err := state.RemoveManifest(other); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}

func TestManifestThatCannotBeUsed(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		mode    fs.FileMode // of its directory
		want    error
	}{
		"of a newer holdfast": {`{"format": 2}`, 0o755, files.ErrMalformed},
		"of no format":        {`{}`, 0o755, files.ErrMalformed},
		"no JSON":             {`x`, 0o755, files.ErrMalformed},
		"anybody's":           {`{"format": 1}`, 0o777, files.ErrUntrusted},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.mode == 0o777 {
				t.Skip("modes say nothing there")
			}
			dir := filepath.Join(t.TempDir(), "holdfast")
			path := state.ManifestPath(dir, "feedd")
			if err := errors.Join(files.MakeDir(dir, 0o755), os.WriteFile(path, []byte(tt.content), 0o600), os.Chmod(dir, tt.mode)); err != nil {
				t.Fatal(err)
			}
			if _, err := state.ReadManifest(path); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}
