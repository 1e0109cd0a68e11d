package native_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/native"
)

func TestStarter(t *testing.T) {
	self, parent := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for value, want := range map[string]string{
		"sysv " + self:   "sysv",
		"sysv " + parent: "sysv", // of a supervisor
		"sysv 1":         "",     // of somebody else, inherited
		"sysv":           "",
		"sysv x":         "",
		"":               "",
	} {
		t.Setenv(native.StarterVariable, value)
		if got := native.TakeStarter(); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
		if _, left := os.LookupEnv(native.StarterVariable); left {
			t.Error("it is left to children")
		}
	}
}

func TestEndedIsNoDescriptor(t *testing.T) {
	for _, value := range []string{"", "x", "-1", "0", "2"} {
		t.Setenv(native.EndedVariable, value)
		if f := native.TakeEnded(); f != nil {
			t.Errorf("%q: got descriptor %d", value, f.Fd())
		}
	}
}
