//go:build !linux

package singleton

// Only Linux shows who has a file locked.
func lostHolder(Options) (Holder, bool) { return Holder{}, false }
