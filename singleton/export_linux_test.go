package singleton

import (
	"io"
	"time"
)

// Lockers returns the processes that have a file with that inode number locked, according to a
// list of which nothing but the first page is read after end.
func Lockers(list io.Reader, ino uint64, end time.Time) (pids []int) {
	for _, l := range lockersIn(&page{Reader: list, end: end}, ino) {
		pids = append(pids, l.PID)
	}
	return pids
}
