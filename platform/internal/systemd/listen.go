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

// TakeFiles returns what Files returns, for a process without a Notifier. It ignores invalid
// variables.
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
	missing := 0
	for i := range num {
		name := "unknown" // see sd_listen_fds_with_names(3)
		if i < len(given) && given[i] != "" {
			name = given[i]
		}
		fd := firstFile + i
		if !inherited(fd) {
			missing++
			continue
		}
		n.files = append(n.files, os.NewFile(uintptr(fd), name))
	}
	if missing > 0 {
		return fmt.Errorf("LISTEN_FDS=%q: %d of these descriptors were not passed", count, missing)
	}
	return nil
}
