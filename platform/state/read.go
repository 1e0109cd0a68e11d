package state

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func read(path string) ([]byte, time.Time, error) {
	f, err := files.Open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("%s has more than %d bytes: it is none of ours", path, maxSize)
	}
	return content, info.ModTime(), err
}
