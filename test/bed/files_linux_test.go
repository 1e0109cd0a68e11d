package bed_test

import (
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// "Text file busy": children that other tests forked while a program was put had it open for writing.
func TestWhatWasPutCanBeExecuted(t *testing.T) {
	t.Parallel()
	b := bed.Require(t, "sysvinit")
	over := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					_ = exec.Command("/bin/true").Run()
				}
			}
		})
	}
	defer others.Wait()
	defer close(over)
	program := []byte("#!/bin/sh\nexit 0\n" + strings.Repeat("#", 4<<20)) // the longer it takes the more likely it is
	for range 50 {
		if err := b.Write("/opt/program", program, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code, err := b.Run(t.Context(), "/opt/program"); err != nil || code != 0 {
			t.Fatal(err, code, stderr)
		}
	}
}
