//go:build !unix

package cli

// writableByOthers leaves access lists to those who make directories.
func writableByOthers(string, string) string { return "" }

// plantable leaves it to [files.CheckDir] there.
func plantable(string) string { return "" }
