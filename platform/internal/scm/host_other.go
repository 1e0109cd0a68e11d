//go:build !windows

package scm

func listen() (*Host, error) { return nil, ErrNotService }

func bySCM() bool { return false }
