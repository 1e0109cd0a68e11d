package native_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// The record of an installation is where the service's user cannot write. So it is not in the
// service's own state directory, whatever the service's name.
func TestManifestFileIsNoServices(t *testing.T) {
	id := platform.ID{Name: "feedd", Instance: "west", Scope: platform.ScopeSystem}
	file, err := native.ManifestFile(id)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && file != "/var/lib/holdfast/feedd@west.json" {
		t.Error(file)
	}
	if d, err := native.DirsFor(platform.ScopeSystem, id.String()); err != nil || filepath.Dir(file) == d.State || filepath.Dir(filepath.Dir(file)) == d.State {
		t.Errorf("%s is in the service's %s, %v", file, d.State, err)
	}
	if file, err := native.ManifestFile(platform.ID{Name: "holdfast", Scope: platform.ScopeSystem}); !errors.Is(err, platform.ErrBadUnit) {
		t.Errorf("a service whose directory that is: %s, %v", file, err)
	}
}
