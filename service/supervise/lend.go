package supervise

import (
	"context"
	"os"
)

// lenderVariable has the number of a process. The sockets that are lent while it lives are for
// the supervisor that [Spawn] becomes.
const lenderVariable = "HOLDFAST_LENDER"

// Lend gets what the supervisor whose process is pid keeps, and keeps it for the next
// supervisor. A script that restarts a service needs this: it stops one supervisor and starts
// another one, with its own number, script, in the environment variable HOLDFAST_LENDER. Only
// processes of the same user or of root can borrow from Lend.
//
// Lend calls ready when the script can stop the supervisor, and returns when ctx ends. If the
// supervisor keeps nothing or does not answer, Lend returns at once.
func Lend(ctx context.Context, pid, script int, ready func()) error {
	return lend(ctx, pid, script, ready)
}

// Lent reports whether somebody lends sockets to what this process starts.
func Lent() bool { return os.Getenv(lenderVariable) != "" }

// Lendings returns the descriptors that [Spawn] got for this process, as [Parent].Kept. It
// removes them from the environment.
func Lendings() []*os.File { return lendings() }
