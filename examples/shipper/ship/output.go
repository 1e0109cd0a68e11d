package ship

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// An output is the file to which lines are appended.
type output struct {
	path string
	log  *slog.Logger
	file *os.File
	info fs.FileInfo // for its identity, not its size
	id   string
	end  mark // end of what was written and synced
	torn bool // there may be an incomplete batch behind end
}

// openOutput opens the output according to the checkpoint.
func openOutput(path string, saved outputMark, log *slog.Logger) (*output, error) {
	o := &output{path: path, log: log}
	if err := o.open(); err != nil {
		return nil, o.fail(err)
	}
	if err := o.agree(saved); err != nil {
		_ = o.file.Close()
		return nil, o.fail(err)
	}
	return o, nil
}

func (o *output) fail(err error) error { return &OutputError{Path: o.path, Err: err} }

// open opens the file at the path as it is. The path must not be a link.
func (o *output) open() error {
	file, err := files.Open(o.path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		err = files.SyncDir(filepath.Dir(o.path)) // otherwise a power cut could undo the creation
	}
	var end mark
	if err == nil {
		end, err = readMark(file, info.Size())
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	if o.file != nil {
		_ = o.file.Close() // everything has been synced
	}
	o.file, o.info, o.id, o.end, o.torn = file, info, identity(o.path, info), end, false
	return nil
}

// agree truncates the output to its length in the checkpoint. The bytes behind that are a
// batch that a crash has cut off; its lines are read again. This is safe because only one
// instance can run, so nobody else has written them, and nobody is writing now.
//
// If the checkpoint describes another output, this one is left as it is.
func (o *output) agree(saved outputMark) error {
	size := o.end.Offset
	switch {
	case saved.Path == "":
		return nil
	case saved.Path != o.path:
		o.log.Info("there is a new output", "output", o.path, "before", saved.Path)
		return nil
	case size < saved.Offset:
		o.log.Error("the output is shorter than what was shipped to it: missing lines are not shipped again",
			"output", o.path, "bytes", saved.Offset-size)
		return nil
	}
	held, err := saved.holdsIn(o.file)
	if err != nil {
		return err
	}
	// At offset 0 there is no mark to check, so only the identity decides.
	if !held || (saved.Offset == 0 && saved.ID != o.id) {
		o.log.Error("the output is not the file that was shipped to: lines are appended to it, and the last lines of the other file may be repeated",
			"output", o.path)
		return nil
	}
	if size == saved.Offset {
		return nil
	}
	o.log.Info("removing what the last run did not finish", "output", o.path, "bytes", size-saved.Offset)
	return o.cut(saved.mark)
}

// cut truncates the output to end.
func (o *output) cut(end mark) error {
	o.torn = true
	if err := o.file.Truncate(end.Offset); err != nil {
		return err
	}
	o.end, o.torn = end, false
	return nil
}

// settle prepares the output for the next batch. It truncates what an earlier attempt has
// left, begins a new file if the old one was moved away, and detects changes by others.
// changed says that the checkpoint no longer describes the output.
func (o *output) settle() (changed bool, err error) {
	if o.torn {
		if err := o.cut(o.end); err != nil {
			return false, o.fail(err)
		}
	}
	at, err := os.Lstat(o.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, o.fail(err)
	}
	if err != nil || !os.SameFile(at, o.info) {
		if err := o.open(); err != nil {
			return false, o.fail(err)
		}
		o.log.Warn("the output was moved or removed: starting a new one", "output", o.path)
		return true, nil
	}
	if at.Size() == o.end.Offset {
		return false, nil
	}
	end, err := readMark(o.file, at.Size())
	if err != nil {
		return false, o.fail(err)
	}
	if at.Size() < o.end.Offset {
		o.log.Error("another process has shortened the output: missing lines are not shipped again", "output", o.path, "bytes", o.end.Offset-at.Size())
	} else {
		o.log.Error("another process writes to the output", "output", o.path, "bytes", at.Size()-o.end.Offset)
	}
	o.end = end
	return true, nil
}

// append appends batch, durably and atomically. After an error the output is unchanged, or
// settle restores it.
func (o *output) append(batch []byte) error {
	_, err := o.file.WriteAt(batch, o.end.Offset)
	if err == nil {
		// After a failed sync the state of the written data is unknown
		// (https://lwn.net/Articles/752063/), so it is written again.
		err = o.file.Sync()
	}
	var end mark
	if err == nil {
		end, err = readMark(o.file, o.end.Offset+int64(len(batch)))
	}
	if err != nil {
		if e := o.cut(o.end); e != nil {
			err = fmt.Errorf("%w; then %w", err, e)
		}
		return o.fail(err)
	}
	o.end = end
	return nil
}
