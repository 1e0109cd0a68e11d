//go:build !linux

package kept

import "os"

func inspect(*os.File) (string, error) { return "", unsupported("only Linux has such files") }

func duplicate(*os.File) (*os.File, error) { return nil, unsupported("only Linux has such files") }
