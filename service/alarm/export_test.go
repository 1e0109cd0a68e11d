package alarm

import (
	"context"
	"log/slog"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Doubles replace the functions of the machine that a desk uses. Nil fields keep the real
// ones.
type Doubles struct {
	Command func(context.Context, Config, Event, *slog.Logger) error
	Read    func(path string) error
	Write   func(path string, content []byte) error
	Space   func(dir string) (files.Space, error)
	Take    func(path string) (*Note, error)
	Every   time.Duration // between two checks for notes
}

// OpenWith is Open with these doubles.
func OpenWith(o Options, d Doubles) *Desk {
	o.system = theSystem()
	if d.Command != nil {
		o.system.command = d.Command
	}
	if d.Read != nil {
		o.system.read = func(path string) (*queue, error) {
			if err := d.Read(path); err != nil {
				return nil, err
			}
			return readQueue(path)
		}
	}
	if d.Write != nil {
		o.system.write = d.Write
	}
	if d.Space != nil {
		o.system.space = d.Space
	}
	if d.Take != nil {
		o.system.take = d.Take
	}
	if d.Every > 0 {
		o.system.every = d.Every
	}
	return Open(o)
}

// Low describes what s lacks according to c.
var Low = Config.low

// RunCommand passes e to the command of c.
func RunCommand(ctx context.Context, c Config, e Event, log *slog.Logger) error {
	return runCommand(ctx, c, e, log)
}

// Decode decodes the content of a queue file, and encodes it again.
func Decode(content []byte) ([]byte, int, error) {
	q, err := decodeQueue(content)
	if err != nil {
		return nil, 0, err
	}
	b, err := q.encode()
	return b, len(q.Pending), err
}
