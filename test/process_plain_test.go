//go:build linux || darwin

package test_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

// plainBinary is this test binary without the race detector, which takes ten
// times the memory and twice the time: for tests that need hundreds of processes.
func plainBinary(t *testing.T) string {
	t.Helper()
	if exe, err := os.Executable(); err == nil && !raceDetector() {
		return exe
	}
	exe, err := buildPlain()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

var buildPlain = sync.OnceValues(func() (string, error) {
	exe := filepath.Join(scratch, "plain.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-o", exe, ".")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0") // as all that is built without the race detector: see scripts/test.sh
	cmd.Stderr = os.Stderr
	return exe, cmd.Run()
})
