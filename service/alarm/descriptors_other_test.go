//go:build !unix

package alarm_test

func descriptors() []string { return nil }
