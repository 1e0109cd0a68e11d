//go:build !windows

package scm_test

func play(string, string, []string) int { return 2 }
