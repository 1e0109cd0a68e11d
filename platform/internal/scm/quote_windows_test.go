package scm_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/windows"
)

// checkWithWindows lets Windows itself split the line.
func checkWithWindows(t *testing.T, line string, argv []string) {
	got, err := windows.DecomposeCommandLine(line)
	if err != nil || !slices.Equal(got, argv) {
		t.Errorf("%q became %s, which Windows reads as %q, %v", argv, line, got, err)
	}
}
