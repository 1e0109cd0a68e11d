//go:build !unix && !windows

package upgrade

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func ours(dir string, _ bool) error { return files.CheckDir(dir) }

func (e *Engine) replace(beside string) error { return os.Rename(beside, e.Stable) }

func (e *Engine) mend() error { return nil }
