package native_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// launchd, Windows and the inits of the fallback keep no sockets, as docs/sockets.md says. The
// listing of what they leave out says so, too, and their hosts cannot keep any.
func TestNobodyKeepsSockets(t *testing.T) {
	for _, manager := range []string{"launchd", "scm", "upstart"} {
		if !slices.ContainsFunc(native.LeftOut(manager, platform.ScopeSystem), func(o platform.Omission) bool { return o.Key == "socket" }) {
			t.Errorf("%s leaves out no socket", manager)
		}
	}
	if _, ok := any((*scm.Host)(nil)).(platform.Keeper); ok {
		t.Error("the host under the SCM keeps sockets")
	}
	h := posix.Listen() // without a notifier, as under launchd
	defer func() { _ = h.Close(platform.ExitOK) }()
	if err := h.Keep(t.Context(), "holdfast.x", os.Stdin); !errors.Is(err, platform.ErrUnsupported) {
		t.Errorf("the host under launchd: %v", err)
	}
}
