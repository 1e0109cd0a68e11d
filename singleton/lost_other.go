//go:build !linux

package singleton

// Only Linux shows which process has a file locked.
func lostHolder(Options) (Holder, bool) { return Holder{}, false }
