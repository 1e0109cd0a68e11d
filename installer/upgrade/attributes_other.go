//go:build !linux

package upgrade

func likeStable(string, string) error { return nil }
