package native_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A forced exit may call Close while an orderly end does so.
func TestHostIsClosedTwice(t *testing.T) {
	h, err := native.Host()
	if err != nil {
		t.Log(err) // the environment of the test is not ours
	}
	for range 2 {
		if err := h.Close(platform.ExitOK); err != nil {
			t.Error(err)
		}
	}
}

// A process has only one Host, which is passed on in a context.
func TestHostOfAContext(t *testing.T) {
	h, _ := native.Host()          // the environment of the test is not ours
	defer h.Close(platform.ExitOK) //nolint:errcheck // it is tested above
	got, err := native.HostFor(native.WithHost(t.Context(), h))
	if err != nil || got != h {
		t.Errorf("%v, %v", got, err)
	}
}
