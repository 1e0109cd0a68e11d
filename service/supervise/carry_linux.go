package supervise

import (
	"context"
	"net"
	"os"
	"strings"
	"time"
)

// carryRequest asks a supervisor for what it keeps.
const carryRequest = "HOLDFAST_CARRY=1"

// answers is how long a supervisor may take for that: one that is stuck is not waited for.
const answers = 10 * time.Second

// borrow are further descriptors of all that a supervisor keeps, and their names with
// colons between them.
func borrow(ctx context.Context, pid int) (names string, files []*os.File) {
	if pid == 0 {
		return "", nil
	}
	conn, err := datagrams("")
	if err != nil {
		return "", nil
	}
	defer conn.Close()
	until := time.Now().Add(answers)
	if limit, ok := ctx.Deadline(); ok && limit.Before(until) {
		until = limit
	}
	_ = conn.SetDeadline(until)
	if _, err := conn.WriteTo([]byte(carryRequest), &net.UnixAddr{Name: storeAddress(pid), Net: "unixgram"}); err != nil {
		return "", nil
	}
	text, rights := make([]byte, 64<<10), attachments()
	n, size, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return "", nil
	}
	who, fds := attached(rights[:size])
	names = string(text[:n])
	all := strings.Split(names, ":")
	for i, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), all[min(i, len(all)-1)])) //nolint:gosec // a descriptor
	}
	if int(who.Pid) != pid || len(files) == 0 || len(files) != len(all) { // somebody else has answered, or it has nothing
		for _, f := range files {
			_ = f.Close()
		}
		return "", nil
	}
	return names, files
}
