//go:build !unix

package cli

import "github.com/holdfast-dev/holdfast/platform/files"

// writableByOthers does not judge the directories that lead to a program. Only the last one is
// judged: see besides.
func writableByOthers(string, string) string { return "" }

// plantable leaves this check to [files.CheckDir].
func plantable(string) string { return "" }

// besides says who could replace a program in dir, or put a library beside it, which the
// program would load.
func besides(dir string) string { return files.Writers(dir, false) }
