//go:build !windows

package installer

// modesCount reports whether a file keeps the mode that it was given.
const modesCount = true
