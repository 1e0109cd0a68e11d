package logsink

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// openFile opens o.File for appending, with rotation.
//
// lumberjack knows nothing of traps, so the path is examined, and the file
// created, before it may open it. Later, when it rotates, only the directory's
// permissions keep others from planting something.
func openFile(o Options) (outlet, error) {
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
	// Nothing yet, but it opens the file now.
	if _, err := l.Write(nil); err != nil {
		return nil, err
	}
	return &fileOutlet{l}, nil
}

type fileOutlet struct{ l *lumberjack.Logger }

func (f *fileOutlet) put(_ hclog.Level, line []byte) error {
	_, err := f.l.Write(append(line, '\n'))
	return err
}

func (f *fileOutlet) close() error { return f.l.Close() }
