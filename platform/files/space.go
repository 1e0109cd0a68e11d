package files

// A Space is the free space on a file system. A total of 0 means that the system does not
// count that resource: many file systems have no fixed number of inodes.
type Space struct {
	Free, Size         uint64 // bytes; Free is what this user may use: some space may be reserved for root
	FreeInodes, Inodes uint64
	ReadOnly, NoExec   bool   // mount options
	Device             string // identifies the file system; may be empty
}

// SpaceOf returns the space of the file system that has dir. It blocks until the file system
// responds. That can take hours for a network file system without a server, or a broken disk.
func SpaceOf(dir string) (Space, error) { return spaceOf(dir) }
