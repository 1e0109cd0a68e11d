package etcd

import (
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// ErrWentBack means that etcd's revision is not greater than one that this machine saw.
var ErrWentBack = errors.New("etcd has gone back: it was restored from an older snapshot, and its tokens would be given twice")

// remember keeps a revision that etcd has just told, durably. It is an error if the machine
// saw the same one or a greater one before.
func (e *Elector) remember(revision int64) error {
	if e.o.Kept == "" {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	last, err := recovery.ReadTerm(e.o.Kept)
	if err != nil {
		return fmt.Errorf("the highest revision that this machine saw: %w; if nobody leads, remove %s", err, e.o.Kept)
	}
	if next := uint64(revision); next <= last { //nolint:gosec // revisions are positive
		return fmt.Errorf("%w: its revision is %d, and %s has %d; restore it again with `etcdutl snapshot restore --bump-revision`, or, "+
			"if everything that keeps a token forgets it, remove that file on all machines", ErrWentBack, next, e.o.Kept, last)
	}
	return files.Replace(e.o.Kept, fmt.Appendf(nil, "%d\n", revision), 0o644, true)
}
