//go:build !windows

package installer

// modesCount tells whether a file keeps the mode that it was given.
const modesCount = true
