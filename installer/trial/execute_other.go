//go:build !unix

package trial

import (
	"errors"
	"io/fs"
)

func owned(string, fs.FileInfo, bool) error { return errors.ErrUnsupported }

// Place is where a file lies, as a [Record] has it.
func Place(fs.FileInfo) (device, inode uint64, ok bool) { return 0, 0, false }

func (r Record) execute([]string, bool) error { return over("%w", errors.ErrUnsupported) }

type keptFile struct{}

func keepFiles() []keptFile { return nil }

func rename(string) {}

func (t *Trial) giveWay() error { return errors.ErrUnsupported }
