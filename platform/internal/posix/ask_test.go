package posix_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
)

// Requests of other processes on a system without signals are delivered like signals. Ask does
// not block on a closed host.
func TestAsk(t *testing.T) {
	h := posix.Listen()
	for s, want := range map[os.Signal]platform.Request{
		syscall.SIGTERM: {Kind: platform.RequestStop, Source: "SIGTERM"},
		syscall.SIGHUP:  {Kind: platform.RequestReload, Source: "SIGHUP"},
	} {
		go h.Ask(s)
		for <-h.Requests() != want {
			continue // signals of other tests may still arrive
		}
	}
	if err := h.Close(0); err != nil {
		t.Fatal(err)
	}
	h.Ask(syscall.SIGTERM)
}
