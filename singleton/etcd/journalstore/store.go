package journalstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

// Options configure a store. The zero value fits an etcd with its own defaults.
type Options struct {
	// MaxRequest and MaxOps are etcd's --max-request-bytes and --max-txn-ops, if those are not
	// the usual 1.5 MiB and 128.
	MaxRequest, MaxOps int
	// Patience is how long a single request may take before it is sent again. 0: 5 s.
	Patience time.Duration

	hook func(at string) error // of tests, which let it fail there
}

// A Store is a [journal.Store] in etcd, for the time of one term.
type Store struct {
	o      Options
	term   *etcd.Term
	keys   keys
	closed context.Context
	close  context.CancelFunc

	writing sync.Mutex // held by Update
	head    head       // as it was seen last; guarded by writing

	mu      sync.RWMutex
	content content
	size    atomic.Int64
}

var _ journal.Store = (*Store)(nil)

// Open reads the journal of the service that t leads. t must be a term of package etcd. Open
// waits for etcd until ctx or the term ends.
func Open(ctx context.Context, t singleton.Term, o Options) (*Store, error) {
	term, ok := etcd.Of(t)
	if !ok {
		return nil, fmt.Errorf("journal in etcd: a %T is not a term that etcd gave", t)
	}
	o.MaxRequest, o.MaxOps = cmp.Or(o.MaxRequest, 3<<19), cmp.Or(o.MaxOps, 128)
	o.Patience = cmp.Or(o.Patience, 5*time.Second)
	if o.hook == nil {
		o.hook = func(string) error { return nil }
	}
	s := &Store{o: o, term: term, keys: keys(term.Prefix() + "journal/")}
	s.closed, s.close = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.load(); err != nil {
		s.close()
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, fmt.Errorf("journal in etcd: %w", err)
	}
	return s, nil
}

// alive returns why the store cannot be used any more, or nil.
func (s *Store) alive() error {
	if s.closed.Err() != nil {
		return os.ErrClosed
	}
	if !time.Now().Before(s.term.Deadline()) {
		return fmt.Errorf("%w: the term %d is over", journal.ErrSuperseded, s.term.Token())
	}
	return nil
}

// Update runs fn, and returns when etcd has its changes on most of its disks. The error wraps
// [journal.ErrSuperseded] if the term is over, [journal.ErrFull] if etcd has no space,
// [journal.ErrTooBig] if a change is too large for etcd, and [journal.ErrUnknown] if the term
// has ended without an answer.
func (s *Store) Update(fn func(journal.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		if err := s.alive(); err != nil {
			return err
		}
		if s.head.Pieces > 0 { // the transaction before could not be finished
			if err := s.load(); err != nil {
				return fmt.Errorf("journal in etcd: %w", err)
			}
		}
		t := &tx{content: s.content, draft: draft{}, limit: s.pieceBytes()}
		if err := fn(t); err != nil {
			return err
		}
		changes := t.draft.list()
		if len(changes) == 0 {
			return s.alive()
		}
		err := s.o.hook("commit")
		if err == nil {
			err = s.commit(changes)
		}
		switch {
		case errors.Is(err, errMoved): // by another store of the same term, or before an answer was lost
			err = s.load()
		case err == nil:
			s.take(changes)
			return nil
		}
		if err != nil {
			return fmt.Errorf("journal in etcd: %w", err)
		}
	}
}

// take makes changes visible.
func (s *Store) take(changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		s.size.Add(s.content.make(c))
	}
}

// View runs fn on what the leader has in memory.
func (s *Store) View(fn func(journal.Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.alive(); err != nil {
		return err
	}
	return fn(&tx{content: s.content})
}

// Size returns the size of all keys and values.
func (s *Store) Size() int64 { return s.size.Load() }

// Compact does nothing: etcd frees the space of what was removed when it is compacted.
func (*Store) Compact() error { return nil }

// Close ends all use of the store. It does not end the term.
func (s *Store) Close() error {
	s.close()
	return nil
}
