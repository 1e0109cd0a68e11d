package logsink

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// openFile opens o.File for appending, with rotation.
//
// lumberjack knows nothing of traps, so the path is examined, and the file
// created, before it may open it. Later, when it rotates, only the directory's
// permissions keep others from planting something.
func openFile(o Options) (destination, error) {
	path := filepath.Clean(o.File)
	if err := files.MakeDir(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	// lumberjack would create it with 0600; a file that it rotates passes its
	// mode on to the next.
	f, err := files.Open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	l := &lumberjack.Logger{
		Filename:   path,
		MaxSize:    cmp.Or(o.MaxSizeMB, defaultMaxSizeMB),
		MaxBackups: cmp.Or(o.MaxBackups, defaultMaxBackups),
		MaxAge:     o.MaxAgeDays,
	}
	// Nothing yet, but it opens the file now, and rotates one that is full.
	if _, err := l.Write(nil); err != nil {
		return nil, err
	}
	out := &fileWriter{l: l, most: int64(l.MaxSize) << 20, rotated: time.Now()}
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	out.size = info.Size()
	return out, nil
}

type fileWriter struct {
	l          *lumberjack.Logger
	size, most int64 // bytes: that the file has, and may have
	rotated    time.Time
}

// stampStep is how fine lumberjack stamps the names of rotated files. It renames
// over what has the name already: of two rotations within one step, all that
// the first put aside would be lost.
const stampStep = time.Millisecond

func (f *fileWriter) put(l line) error {
	line := append(l.text, '\n')
	n := int64(len(line))
	// As lumberjack decides it. A line that fits no file is refused, not rotated for.
	rotates := f.size+n > f.most && n <= f.most
	if rotates {
		time.Sleep(time.Until(f.rotated.Add(stampStep)))
	}
	_, err := f.l.Write(line)
	switch {
	case rotates && err == nil:
		f.rotated, f.size = time.Now(), 0
	case rotates && f.grow(line) == nil:
		err = nil
	}
	if err == nil {
		f.size += n
	}
	return err
}

// grow writes to a file that is full and cannot be put aside: on Windows, because
// another program reads it. The next line tries again.
func (f *fileWriter) grow(line []byte) error {
	file, err := files.Open(f.l.Filename, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(line)
	return errors.Join(err, file.Close())
}

func (f *fileWriter) close() error { return f.l.Close() }
