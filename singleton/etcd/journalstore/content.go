package journalstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A change is the new value of a key.
type change struct {
	Bucket     string
	Key, Value []byte
	Gone       bool // there is none any more
}

// size is about what the change takes in a request.
func (c change) size() int { return len(c.Bucket) + len(c.Key) + len(c.Value) + 64 }

// content has the keys of each bucket, with their values.
type content map[string]*bucket

type bucket struct {
	sorted []string
	values map[string][]byte
}

func (c content) of(name string) *bucket {
	b := c[name]
	if b == nil {
		b = &bucket{values: map[string][]byte{}}
		c[name] = b
	}
	return b
}

// make makes a change, and returns by how many bytes the content has grown.
func (c content) make(x change) (grown int64) {
	b, key := c.of(x.Bucket), string(x.Key)
	old, had := b.values[key]
	at, _ := slices.BinarySearch(b.sorted, key)
	switch {
	case had && x.Gone:
		b.sorted = slices.Delete(b.sorted, at, at+1)
	case !had && !x.Gone:
		b.sorted = slices.Insert(b.sorted, at, key)
	}
	if had {
		grown -= int64(len(key) + len(old))
	}
	if x.Gone {
		delete(b.values, key)
		return grown
	}
	b.values[key] = x.Value
	return grown + int64(len(key)+len(x.Value))
}

// A draft has the changes of a transaction, by bucket and key.
type draft map[string]map[string]change

func (d draft) add(c change) {
	if d[c.Bucket] == nil {
		d[c.Bucket] = map[string]change{}
	}
	d[c.Bucket][string(c.Key)] = c
}

// list returns the changes in order.
func (d draft) list() (all []change) {
	for _, of := range d {
		all = slices.AppendSeq(all, maps.Values(of))
	}
	slices.SortFunc(all, func(a, b change) int { return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), slices.Compare(a.Key, b.Key)) })
	return all
}

// A tx is a transaction: the content with the changes of a draft on top.
type tx struct {
	content content
	draft   draft // nil: it only reads
	limit   int   // of the size of a change
}

var errReadOnly = errors.New("a view changes nothing")

func (t *tx) Get(bucket string, key []byte) ([]byte, error) {
	if c, ok := t.draft[bucket][string(key)]; ok {
		return c.Value, nil
	}
	if b := t.content[bucket]; b != nil {
		return b.values[string(key)], nil
	}
	return nil, nil
}

func (t *tx) Put(bucket string, key, value []byte) error {
	c := change{Bucket: bucket, Key: slices.Clone(key), Value: append([]byte{}, value...)}
	switch {
	case t.draft == nil:
		return errReadOnly
	case c.size() > t.limit:
		return fmt.Errorf("journal in etcd: an entry of %d bytes: %w: at most %d fit into a request of etcd (see --max-request-bytes)",
			len(value), journal.ErrTooBig, t.limit)
	}
	t.draft.add(c)
	return nil
}

func (t *tx) Delete(bucket string, key []byte) error {
	if t.draft == nil {
		return errReadOnly
	}
	if t.content.has(bucket, key) {
		t.draft.add(change{Bucket: bucket, Key: slices.Clone(key), Gone: true})
	} else {
		delete(t.draft[bucket], string(key))
	}
	return nil
}

func (c content) has(bucket string, key []byte) bool {
	b := c[bucket]
	if b == nil {
		return false
	}
	_, there := b.values[string(key)]
	return there
}

func (t *tx) Ascend(bucket string, from []byte, fn func(key, value []byte) bool) error {
	var keys []string
	if b := t.content[bucket]; b != nil {
		at, _ := slices.BinarySearch(b.sorted, string(from))
		keys = b.sorted[at:]
	}
	if own := t.draft[bucket]; len(own) > 0 {
		keys = slices.Clone(keys)
		for key := range own {
			if !t.content.has(bucket, []byte(key)) && key >= string(from) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
	}
	for _, key := range keys {
		value, err := t.Get(bucket, []byte(key))
		if err != nil {
			return err
		}
		if c, changed := t.draft[bucket][key]; changed && c.Gone {
			continue
		}
		if !fn([]byte(key), value) {
			break
		}
	}
	return nil
}
