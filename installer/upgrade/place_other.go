//go:build !unix

package upgrade

import "github.com/holdfast-dev/holdfast/platform/files"

func ours(dir string) error { return files.CheckDir(dir) }
