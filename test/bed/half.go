package bed

import (
	"hash/fnv"
	"os"
	"strconv"
	"testing"
)

// HalfEnv names the environment variable that halves the bed tests, for machines on which all
// of them take too long. With the value 0 or 1, a test that can run on several kinds runs on
// every other one. The two values together are everything; empty means everything, too.
const HalfEnv = "HOLDFAST_HALF"

// Halve skips the part of a test called name on the kind with that number if it belongs to the
// other half: see [HalfEnv]. Parts with the same name and consecutive numbers belong to
// different halves.
func Halve(t testing.TB, name string, kind int) {
	t.Helper()
	if half := os.Getenv(HalfEnv); half != "" && half != halfOf(name, kind) {
		t.Skip("a part of the other half: " + HalfEnv + "=" + halfOf(name, kind))
	}
}

func halfOf(name string, kind int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // it never fails
	return strconv.Itoa((int(h.Sum32()>>16) + kind) % 2)
}
