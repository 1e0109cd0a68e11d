//go:build unix && !linux

package singleton

import "os"

// Only Linux lists its locks by file.
func otherHolder(_, _ *os.File, _ *heldFile) (Holder, bool) { return Holder{}, false }

func lockersOf(*os.File) []locker { return nil }

func locksItself(int, string) bool { return false }
