//go:build unix && !linux

package singleton

import "os"

// Only Linux lists its locks by file.
func holderOfRemoved(...*os.File) (Holder, bool) { return Holder{}, false }
