//go:build unix && !linux

package supervise_test

func moreParts() map[string]func() int { return nil }
