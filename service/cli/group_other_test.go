//go:build !unix

package cli_test

import "io/fs"

func group(fs.FileInfo) string { return "" }
