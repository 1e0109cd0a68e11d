//go:build linux

package main_test

import (
	"fmt"
	"os"
	"testing"

	jobs "github.com/holdfast-dev/holdfast/singleton/etcd/examples/jobs"
)

// The test binary plays the machines: with this variable it is the real main. As the command
// of a job its first argument is effectCommand.
const (
	roleVariable  = "HOLDFAST_TEST_ROLE"
	effectCommand = "effect"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == effectCommand {
		if err := affect(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(roleVariable) == "jobs" {
		jobs.Main()
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
