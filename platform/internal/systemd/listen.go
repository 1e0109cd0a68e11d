package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// firstFile is SD_LISTEN_FDS_START: see sd_listen_fds(3).
const firstFile = 3

// maxFiles limits LISTEN_FDS. systemd never passes more descriptors.
const maxFiles = 4096

// TakeFiles are the Files of who has no Notifier. What makes no sense is none.
func TakeFiles() []*os.File {
	var n Notifier
	_ = n.readFiles(room.TakeEnv("LISTEN_FDS"), room.TakeEnv("LISTEN_FDNAMES"), room.TakeEnv("LISTEN_PID"), strconv.Itoa(os.Getpid()))
	return n.files
}

// readFiles takes over the descriptors that were opened for this process.
func (n *Notifier) readFiles(count, names, pid, self string) error {
	if count == "" || pid != self {
		return nil
	}
	num, err := strconv.Atoi(count)
	if err != nil || num < 0 || num > maxFiles {
		return fmt.Errorf("LISTEN_FDS=%q: not a number of descriptors", count)
	}
	given := strings.Split(names, ":")
	for i := range num {
		name := "unknown" // see sd_listen_fds_with_names(3)
		if i < len(given) && given[i] != "" {
			name = given[i]
		}
		fd := firstFile + i
		closeOnExec(fd)
		n.files = append(n.files, os.NewFile(uintptr(fd), name))
	}
	return nil
}
