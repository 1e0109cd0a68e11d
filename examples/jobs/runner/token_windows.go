package runner

import "io/fs"

// forOthers is always false: on Windows the mode does not show who can read a file.
func forOthers(fs.FileInfo) bool { return false }
