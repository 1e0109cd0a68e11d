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
		Name: "feedd", Instance: "west", Scope: platform.ScopeSystem, Manager: "systemd", Program: "/usr/bin/feedd",
		Told: map[string]string{"config": "/c", "user": ""}, Settings: map[string]string{"user": "x"}, Changed: time.Now().UTC().Truncate(time.Second),
	}
	step, err := state.WriteManifestStep(path, &want)
	if err != nil || step.Kind != platform.StepWriteFile || step.Path != path || step.Mode != 0o644 || want.Format != 1 {
		t.Fatalf("%+v, %v", step, err)
	}
	if err := errors.Join(files.MakeDir(dir, 0o755), files.Replace(path, step.Content, step.Mode, true)); err != nil {
		t.Fatal(err)
	}
	got, err := state.ReadManifest(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if s := state.RemoveManifestStep(path); s.Kind != platform.StepRemoveFile || s.Path != path {
		t.Errorf("%+v", s)
	}
}

// No service's files have the names of another's, whatever the services' names.
func TestTheFilesOfServicesDiffer(t *testing.T) {
	owner := map[string]string{}
	for _, name := range []string{"feedd", "feedd.journal", "feedd.changing", "feedd@journal", "feedd.json"} {
		m := state.ManifestPath("d", name)
		for _, path := range []string{m, state.JournalPath(m), state.LockPath(m)} {
			if other, ok := owner[path]; ok {
				t.Errorf("%s is of %s and of %s", path, other, name)
			}
			owner[path] = name
		}
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
