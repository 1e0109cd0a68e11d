package scm_test

import (
	"os"
	"testing"
)

// TestMain lets the test binary play the part of a service: see live_windows_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "play" {
		os.Exit(play(os.Args[2], os.Args[3], os.Args[4:]))
	}
	os.Exit(m.Run())
}
