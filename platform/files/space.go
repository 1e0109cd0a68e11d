package files

// Space is what a file system has left for us. An amount of 0 of all there is says that
// the system does not count it: many file systems have no fixed number of inodes.
type Space struct {
	Free, Size         uint64 // bytes; free for whoever asks: some may be kept for root
	FreeInodes, Inodes uint64
	ReadOnly, NoExec   bool   // as it is mounted
	Device             string // differs from one file system to the other; may be empty
}

// SpaceOf is the space of the file system that dir is on. It waits for that: a network
// file system whose server is away, or a broken disk, may not answer for hours.
func SpaceOf(dir string) (Space, error) { return spaceOf(dir) }
