package service

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxFile limits the size of a configuration file, in bytes, so that it can be read at once.
const maxFile = 16 << 20

// readFile reads a configuration file and follows links. It refuses anything but a regular
// file, because a FIFO without a writer would block forever. The error is [ErrConfig] and
// names the file.
func readFile(path string) (string, error) {
	text, err := readRegular(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return text, nil
}

func readRegular(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return "", err
	}
	// The path may name another file by now, so opening it must not block either.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d MiB: is it a configuration file?", path, maxFile>>20)
	}
	return string(text), err
}

func regular(path string, info fs.FileInfo) error {
	what := "a special file"
	switch m := info.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		what = "a directory"
	case m&fs.ModeNamedPipe != 0:
		what = "a FIFO"
	case m&fs.ModeSocket != 0:
		what = "a socket"
	case m&fs.ModeDevice != 0:
		what = "a device"
	}
	return fmt.Errorf("%s is %s: a configuration has to be a regular file", path, what)
}
