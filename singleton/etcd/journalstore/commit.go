package journalstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

// keys are the keys of a journal, by their prefix.
type keys string

func (k keys) head() string    { return string(k) + "head" }
func (k keys) entries() string { return string(k) + "in/" }
func (k keys) staged() string  { return string(k) + "staged/" }

func (k keys) piece(mark string, i int) string { return fmt.Sprintf("%s%s/%06d", k.staged(), mark, i) }

func (k keys) entry(c change) string { return k.entries() + c.Bucket + "/" + string(c.Key) }

// A head is the value of a key that each transaction changes, so that none is made on top of
// one that the writer has not seen.
type head struct {
	Mark   string `json:"mark"`             // of the transaction that wrote it, and of no other
	Pieces int    `json:"pieces,omitempty"` // staged changes that belong to the journal, and are not yet in it

	revision int64 // of the key; 0: there is none
}

var (
	// errMoved means that somebody else has changed the head.
	errMoved = errors.New("somebody else writes the journal in this term")
	// maxPieces limits what is believed of a head.
	maxPieces = 1 << 16
	// slack is what a request has beside its changes.
	slack = 16 << 10
)

func (s *Store) pieceBytes() int { return s.o.MaxRequest - slack }
func (s *Store) pieceOps() int   { return s.o.MaxOps - 2 } // the head, and the transaction that has the guard around it

// pieces divides changes so that each piece fits into a transaction.
func (s *Store) pieces(changes []change) (all [][]change) {
	size := 0
	for from, i := 0, 0; i <= len(changes); i++ {
		if i < len(changes) {
			size += changes[i].size()
		}
		if i == len(changes) || i > from && (size > s.pieceBytes() || i-from == s.pieceOps()) {
			all = append(all, changes[from:i])
			if from = i; i < len(changes) {
				size = changes[i].size()
			}
		}
	}
	return all
}

// commit makes changes durable, all of them or none.
func (s *Store) commit(changes []change) error {
	pieces := s.pieces(changes)
	if len(pieces) == 1 {
		return s.advance(head{Mark: rand.Text()}, s.ops(pieces[0]))
	}
	next := head{Mark: rand.Text(), Pieces: len(pieces)}
	for i, piece := range pieces {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(piece); err != nil {
			return err
		}
		if err := s.write([]clientv3.Op{clientv3.OpPut(s.keys.piece(next.Mark, i), b.String())}); err != nil {
			return err
		}
		if err := s.o.hook("staged"); err != nil {
			return err
		}
	}
	// From here on all of them are in the journal. If what follows fails, the next transaction
	// or the next leader does it.
	if err := s.advance(next, nil); err != nil {
		return err
	}
	if s.o.hook("valid") == nil {
		_ = s.apply(pieces)
	}
	return nil
}

// settle puts staged changes where they belong, or removes those that never became valid.
func (s *Store) settle() error {
	if s.head.Pieces == 0 {
		left, err := s.read(s.keys.staged(), clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil || left.Count == 0 {
			return err
		}
		return s.apply(nil)
	}
	pieces := make([][]change, s.head.Pieces)
	for i := range pieces {
		key := s.keys.piece(s.head.Mark, i)
		got, err := s.read(key)
		if err != nil {
			return err
		}
		if len(got.Kvs) == 0 {
			return fmt.Errorf("%w: it has no key %s", journal.ErrDamaged, key)
		}
		if err := gob.NewDecoder(bytes.NewReader(got.Kvs[0].Value)).Decode(&pieces[i]); err != nil {
			return fmt.Errorf("%w: %s: %w", journal.ErrDamaged, key, err)
		}
	}
	return s.apply(pieces)
}

// apply puts the staged pieces where they belong, and removes them.
func (s *Store) apply(pieces [][]change) error {
	for _, piece := range pieces {
		if err := s.write(s.ops(piece)); err != nil {
			return err
		}
		if err := s.o.hook("applied"); err != nil {
			return err
		}
	}
	return s.advance(head{Mark: rand.Text()}, []clientv3.Op{clientv3.OpDelete(s.keys.staged(), clientv3.WithPrefix())})
}

func (s *Store) ops(changes []change) (ops []clientv3.Op) {
	for _, c := range changes {
		if c.Gone {
			ops = append(ops, clientv3.OpDelete(s.keys.entry(c)))
		} else {
			ops = append(ops, clientv3.OpPut(s.keys.entry(c), string(c.Value)))
		}
	}
	return ops
}

// unmoved is the condition that nobody has written since the head was seen.
func (s *Store) unmoved() []clientv3.Cmp {
	return []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.keys.head()), "=", s.head.revision)}
}

// write makes changes that count only together with a change of the head.
func (s *Store) write(ops []clientv3.Op) error {
	return s.insist(true, func(ctx context.Context) error {
		got, err := etcd.Guarded(ctx, s.term, s.unmoved(), ops, nil)
		if err == nil && !got.Succeeded {
			err = errMoved
		}
		return err
	})
}

// advance makes changes together with a new head. It finds by the head's mark that a request
// was carried out whose answer was lost.
func (s *Store) advance(next head, ops []clientv3.Op) error {
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	ops = append(slices.Clip(ops), clientv3.OpPut(s.keys.head(), string(value)))
	err = s.insist(true, func(ctx context.Context) error {
		got, err := etcd.Guarded(ctx, s.term, s.unmoved(), ops, []clientv3.Op{clientv3.OpGet(s.keys.head())})
		if err != nil {
			return err
		}
		if next.revision = got.Header.Revision; got.Succeeded {
			return nil
		}
		if kvs := got.Responses[0].GetResponseRange().GetKvs(); len(kvs) == 1 && string(kvs[0].Value) == string(value) {
			next.revision = kvs[0].ModRevision
			return nil
		}
		return errMoved
	})
	if err == nil {
		s.head = next
	}
	return err
}

// refusals are the errors after which etcd has not done what it was asked, and never will.
var refusals = []error{
	etcd.ErrRefused, etcd.ErrNoSpace, etcd.ErrCorrupt, etcd.ErrSuperseded,
	rpctypes.ErrRequestTooLarge, rpctypes.ErrTooManyOps, rpctypes.ErrCompacted, errMoved,
}

// insist sends a request until its outcome is certain, or the term is lost. do must have the
// same effect however often it is done.
func (s *Store) insist(writes bool, do func(context.Context) error) error {
	unknown := func(err error) error {
		if writes {
			return fmt.Errorf("%w: %w", journal.ErrUnknown, err)
		}
		return err
	}
	for pause, sent := 50*time.Millisecond, false; ; pause = min(2*pause, time.Second) {
		err := s.once(do)
		if err == nil {
			return nil
		}
		if slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) }) {
			if sent && !errors.Is(err, errMoved) { // an earlier request may have been carried out
				err = unknown(err)
			}
			return named(err)
		}
		sent = true
		select {
		case <-s.closed.Done():
			return unknown(fmt.Errorf("%w: %w", os.ErrClosed, err))
		case <-s.term.Lost():
			return unknown(fmt.Errorf("the term %d ends: %w", s.term.Token(), err))
		case <-time.After(pause):
		}
	}
}

// once sends a request once.
func (s *Store) once(do func(context.Context) error) error {
	until := time.Now().Add(s.o.Patience)
	if deadline := s.term.Deadline(); deadline.Before(until) {
		until = deadline
	}
	ctx, cancel := context.WithDeadline(s.closed, until)
	defer cancel()
	if err := do(ctx); err != nil {
		return err
	}
	return s.o.hook("answer")
}

// named puts an error of the journal before one of etcd.
func named(err error) error {
	switch {
	case errors.Is(err, etcd.ErrSuperseded):
		return fmt.Errorf("%w: %w", journal.ErrSuperseded, err)
	case errors.Is(err, etcd.ErrNoSpace):
		return fmt.Errorf("%w: %w", journal.ErrFull, err)
	case errors.Is(err, rpctypes.ErrRequestTooLarge), errors.Is(err, rpctypes.ErrTooManyOps):
		return fmt.Errorf("%w: %w: etcd was started with other limits: set Options.MaxRequest to its --max-request-bytes and Options.MaxOps "+
			"to its --max-txn-ops", journal.ErrTooBig, err)
	}
	return err
}
