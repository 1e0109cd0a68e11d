package native_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A forced exit may close what an ordered end is just closing.
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
