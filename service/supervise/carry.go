package supervise

import (
	"context"
	"os"
	"strconv"
	"strings"
)

// carriedVariable has the names of descriptors, from 3 on, that a supervisor is to keep,
// with a colon between them. [Spawn] hands them to what it executes.
const carriedVariable = "HOLDFAST_CARRIED"

// Carried reports whether this process was run by [Carry]: it has the sockets of the service
// open, or its parents do.
func Carried() bool { return os.Getenv(carriedVariable) != "" }

// Carry runs argv once, with our standard input, output and error, and with what the supervisor
// whose process is pid keeps: for argv to stop that one, and start another in its place. What
// it cannot have it does without. pid 0 is no supervisor. The code is argv's exit code;
// the error says why it could not be run.
func Carry(ctx context.Context, pid int, argv []string) (code int, err error) {
	return carry(ctx, pid, argv)
}

// carried returns the variables that pass what is carried to the process that this one
// becomes.
func carried() []string {
	names := os.Getenv(carriedVariable)
	if names == "" {
		return nil
	}
	return passing(names)
}

// passing returns the variables that pass descriptors, from 3 on, to this process or to a child
// of it, by their names with colons between them: see sd_listen_fds(3). A child has another
// number than LISTEN_PID says, which nobody knows before it exists: see native.ClaimFiles.
func passing(names string) []string {
	return []string{
		"LISTEN_PID=" + strconv.Itoa(os.Getpid()), "LISTEN_FDS=" + strconv.Itoa(1+strings.Count(names, ":")), "LISTEN_FDNAMES=" + names,
	}
}
