//go:build unix && !linux

package singleton

import "os"

// Only Linux shows which process has a file locked.
func otherHolder(_, _ *os.File, _ *heldFile) (Holder, bool) { return Holder{}, false }

func lockersOf(*os.File) []locker { return nil }

func lockedBy(*os.File, string) bool { return false }

func examinable(int) bool { return false }
