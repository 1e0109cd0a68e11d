package proc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A new process is young and grows older. A process of another boot has no age.
func TestAge(t *testing.T) {
	self, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	before, err := self.Age()
	if err != nil || before < 0 || before > 24*time.Hour {
		t.Fatalf("%v, %v", before, err)
	}
	if after, err := self.Age(); err != nil || after < before {
		t.Errorf("%v after %v, %v", after, before, err)
	}
	self.Boot = "another"
	if old, err := self.Age(); !errors.Is(err, proc.ErrGone) {
		t.Errorf("%v, %v", old, err)
	}
}
