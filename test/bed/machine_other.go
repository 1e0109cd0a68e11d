//go:build !linux

package bed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
)

const supported = false

func usable() error { return fmt.Errorf("beds need Linux: %w", errors.ErrUnsupported) }

// A machine cannot be made here: see usable.
type machine struct {
	name    string
	console *console
}

func newMachine(context.Context, Kind) (*machine, error) { return nil, usable() }

func (*machine) on(context.Context) error                   { return usable() }
func (*machine) off() <-chan struct{}                       { return nil }
func (*machine) cut() error                                 { return usable() }
func (*machine) close() error                               { return usable() }
func (*machine) leader() int                                { return 0 }
func (*machine) enter([]string) ([]string, error)           { return nil, usable() }
func (*machine) confine(*exec.Cmd)                          {}
func (*machine) write(string, io.Reader, fs.FileMode) error { return usable() }
func (*machine) read(string) ([]byte, error)                { return nil, usable() }

type capture struct{ w *os.File }

func newCapture() (*capture, error) { return nil, usable() }
func (*capture) end() string        { return "" }
