//go:build !unix

package cli

import "github.com/holdfast-dev/holdfast/platform/files"

// writableByOthers leaves the directories that lead to a program to whoever made them: only
// the last one is looked at, see besides.
func writableByOthers(string, string) string { return "" }

// plantable leaves it to [files.CheckDir] there.
func plantable(string) string { return "" }

// besides says who could put another program in the place of one in dir, or lay a library
// beside it, which it loads.
func besides(dir string) string { return files.Writers(dir, false) }
