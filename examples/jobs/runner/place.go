package runner

import (
	"context"
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A Place keeps what a primary needs after its end. If machines share it, the next primary may
// be on any of them, and only workers carry out runs: nobody else could tell whether a command
// still runs on a machine that is silent.
type Place interface {
	// Store returns the store of the journal in the term of rt.
	Store(ctx context.Context, rt *service.Runtime) (journal.Store, error)
	// Read returns a record, or nil if there is none.
	Read(ctx context.Context, rt *service.Runtime, name string) ([]byte, error)
	// Write replaces a record. It fails if the term of rt is over.
	Write(ctx context.Context, rt *service.Runtime, name string, record []byte) error
}

// A machine keeps everything in its state directory.
type machine struct{}

func (machine) Store(context.Context, *service.Runtime) (journal.Store, error) { return nil, nil }

func (machine) Read(_ context.Context, rt *service.Runtime, name string) ([]byte, error) {
	b, _, err := files.Read(rt.StatePath("."+name), files.MaxRecord)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		rt.Slog().Warn("a record cannot be read: it begins anew", "error", err)
	}
	return b, nil
}

func (machine) Write(_ context.Context, rt *service.Runtime, name string, record []byte) error {
	return files.Replace(rt.StatePath("."+name), record, 0o600, true)
}
