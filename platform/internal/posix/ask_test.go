package posix_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
)

// What other processes ask where there are no signals is delivered like them, and
// nobody waits for a host that is closed.
func TestAsk(t *testing.T) {
	h := posix.Listen()
	for s, want := range map[os.Signal]platform.Request{
		syscall.SIGTERM: {Kind: platform.RequestStop, Source: "SIGTERM"},
		syscall.SIGHUP:  {Kind: platform.RequestReload, Source: "SIGHUP"},
	} {
		go h.Ask(s)
		for <-h.Requests() != want {
			continue // what other tests have raised may still come
		}
	}
	if err := h.Close(0); err != nil {
		t.Fatal(err)
	}
	h.Ask(syscall.SIGTERM)
}
