//go:build !unix

package logsink

import "os"

func stderr() *os.File { return os.Stderr }
