package test_test

import (
	"os"
	"testing"
)

// roleVariable makes a copy of this test binary play a part in a test, instead
// of running the tests.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func() int{
		"service": serviceRole,
		"foreign": foreignRole,
	}
	if play, ok := roles[os.Getenv(roleVariable)]; ok {
		os.Exit(play())
	}
	os.Exit(m.Run())
}
