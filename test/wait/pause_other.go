//go:build unix && !linux

package wait

func paused(int) bool { return true }
