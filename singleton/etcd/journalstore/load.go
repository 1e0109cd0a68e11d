package journalstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// page is the number of keys in one answer. Each may have a megabyte.
const page = 64

// load reads the head and the content as etcd has them now.
func (s *Store) load() error {
	for {
		if err := s.alive(); err != nil {
			return err
		}
		err := s.behold()
		if err == nil {
			err = s.settle()
		}
		var all content
		var size int64
		if err == nil {
			all, size, err = s.readAll()
		}
		switch {
		case err == nil:
			s.mu.Lock()
			s.content = all
			s.size.Store(size)
			s.mu.Unlock()
			return nil
		case !errors.Is(err, rpctypes.ErrCompacted) && !errors.Is(err, errMoved):
			return err
		}
		// Begin anew, at a later revision.
	}
}

// behold reads the head.
func (s *Store) behold() error {
	got, err := s.read(s.keys.head())
	if err != nil {
		return err
	}
	next := head{}
	if len(got.Kvs) == 1 {
		if err := json.Unmarshal(got.Kvs[0].Value, &next); err != nil {
			return fmt.Errorf("%w: %s: %w", journal.ErrDamaged, s.keys.head(), err)
		}
		if next.Pieces < 0 || next.Pieces > maxPieces {
			return fmt.Errorf("%w: %s: %d pieces", journal.ErrDamaged, s.keys.head(), next.Pieces)
		}
		next.revision = got.Kvs[0].ModRevision
	} else if s.head.revision != 0 {
		return fmt.Errorf("%w: somebody has removed the key %s", journal.ErrDamaged, s.keys.head())
	}
	s.head = next
	return nil
}

// readAll reads the content, page by page at one revision.
func (s *Store) readAll() (all content, size int64, err error) {
	all = content{}
	from, end := s.keys.entries(), clientv3.GetPrefixRangeEnd(s.keys.entries())
	at := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(page)}
	for {
		got, err := s.read(from, at...)
		if err != nil {
			return nil, 0, err
		}
		for _, kv := range got.Kvs {
			bucket, key, ok := strings.Cut(strings.TrimPrefix(string(kv.Key), s.keys.entries()), "/")
			if !ok {
				return nil, 0, fmt.Errorf("%w: the key %q", journal.ErrDamaged, kv.Key)
			}
			size += all.make(change{Bucket: bucket, Key: []byte(key), Value: append([]byte{}, kv.Value...)})
		}
		if !got.More {
			return all, size, nil
		}
		if from == s.keys.entries() {
			at = append(at, clientv3.WithRev(got.Header.Revision))
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
		if err := s.o.hook("page"); err != nil {
			return nil, 0, err
		}
	}
}

// read reads a key, or more, from most of etcd's members.
func (s *Store) read(key string, options ...clientv3.OpOption) (got *clientv3.GetResponse, err error) {
	err = s.insist(false, func(ctx context.Context) error {
		got, err = s.term.Client().Get(ctx, key, options...)
		return s.term.Explain(err)
	})
	return got, err
}
