package supervise

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lendRequest asks a supervisor, or a process that lends, for what it keeps.
const lendRequest = "HOLDFAST_LEND=1"

// keptVariable says which descriptors Spawn has got: each as NUMBER:NAME, with a colon between
// them.
const keptVariable = "HOLDFAST_KEPT"

// answers limits the wait for an answer, in case the other process hangs.
const answers = 10 * time.Second

func lend(ctx context.Context, pid, script int, ready func()) error {
	files := borrow(ctx, pid, func(who unix.Ucred) bool { return int(who.Pid) == pid })
	if len(files) == 0 {
		return nil
	}
	conn, err := datagrams(storeAddress(script), "")
	if err != nil {
		for _, f := range files {
			_ = f.Close()
		}
		return fmt.Errorf("lend sockets: %w", err)
	}
	s := serveStore(conn, files)
	defer s.close()
	ready()
	<-ctx.Done()
	return nil
}

// borrowed gets what is lent to this process, and returns the variable that passes it on to
// the program that this process executes. Only a process of the same user or of root may lend.
func borrowed(ctx context.Context) []string {
	script, err := strconv.Atoi(os.Getenv(lenderVariable))
	if err != nil {
		return nil
	}
	files := borrow(ctx, script, trusted)
	var kept []string
	for _, f := range files {
		fd, err := unix.Dup(int(f.Fd()))                       // not close-on-exec
		if err == nil && !strings.Contains(f.Name(), "\x00") { // which the environment cannot contain
			kept = append(kept, strconv.Itoa(fd)+":"+f.Name())
		}
		_ = f.Close()
	}
	if len(kept) == 0 {
		return nil
	}
	return []string{keptVariable + "=" + strings.Join(kept, ":")}
}

func trusted(who unix.Ucred) bool { return who.Uid == 0 || int(who.Uid) == os.Geteuid() }

func lendings() (files []*os.File) {
	text := os.Getenv(keptVariable)
	_ = os.Unsetenv(keptVariable)
	words := strings.Split(text, ":")
	for i := 0; i+1 < len(words); i += 2 {
		fd, err := strconv.Atoi(words[i])
		if err != nil || fd < 3 {
			continue
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			continue // it is not open
		}
		files = append(files, os.NewFile(uintptr(fd), words[i+1]))
	}
	return files
}

// borrow returns duplicates of everything that is kept at the address of the process pid, with
// the names. It returns none if right rejects the sender of the answer.
func borrow(ctx context.Context, pid int, right func(unix.Ucred) bool) (files []*os.File) {
	if pid == 0 {
		return nil
	}
	conn, err := datagrams("", storeAddress(pid))
	if err != nil {
		return nil
	}
	defer conn.Close()
	until := time.Now().Add(answers)
	if limit, ok := ctx.Deadline(); ok && limit.Before(until) {
		until = limit
	}
	_ = conn.SetDeadline(until)
	if _, err := conn.Write([]byte(lendRequest)); err != nil {
		return nil
	}
	text, rights := make([]byte, 64<<10), attachments()
	n, size, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return nil
	}
	who, fds := attached(rights[:size])
	names := strings.Split(string(text[:n]), ":")
	for i, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), names[min(i, len(names)-1)])) //nolint:gosec // a descriptor
	}
	if !right(who) || len(files) != len(names) { // somebody else has answered, or it has nothing
		for _, f := range files {
			_ = f.Close()
		}
		return nil
	}
	return files
}
