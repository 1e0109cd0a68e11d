package etcd_test

import (
	"os"
	"testing"
)

// roleVariable names the part that this test binary plays when a test starts it again.
const roleVariable = "HOLDFAST_ETCD_ROLE"

// roles are filled in by the files whose tests need processes.
var roles = map[string]func() int{}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(m.Run())
}
