package test_test

import (
	"os"
	"testing"
)

// roleVariable makes a copy of this test binary play a role in a test, instead of running the
// tests.
const roleVariable = "HOLDFAST_TEST_ROLE"

// scratch is a directory that several tests share. It is removed at the end.
var scratch string

func TestMain(m *testing.M) {
	roles := map[string]func() int{
		"service":  serviceRole,
		"foreign":  foreignRole,
		"notified": notifiedRole,
		"squatter": squatterRole,
		"elder":    elderRole,
		"turncoat": turncoatRole,
		"renamer":  renamerRole,
	}
	if play, ok := roles[os.Getenv(roleVariable)]; ok {
		os.Exit(play())
	}
	var err error
	if scratch, err = os.MkdirTemp("", "holdfast-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}
