package journal_test

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

var errCrash = errors.New("crashed")

// A memory is a Store that outlives the journals that use it, and can crash.
type memory struct {
	mu    sync.Mutex
	data  map[string]map[string]string
	left  int  // writes until it crashes; below 0: never
	after bool // the crash comes after the transaction is durable, before it returns
	down  bool // crashed: nothing works until it is reset
	made  int  // number of writes
}

func newMemory() *memory { return &memory{data: map[string]map[string]string{}, left: -1} }

func (m *memory) Compact() error { return nil }
func (m *memory) Close() error   { return nil }

func (m *memory) Size() (n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.data {
		for k, v := range b {
			n += int64(len(k) + len(v))
		}
	}
	return n
}

func (m *memory) View(fn func(journal.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errCrash
	}
	return fn(&memoryTx{m, m.data})
}

// Update crashes at a write in the middle, or at the end. A crash leaves no partial
// transaction.
func (m *memory) Update(fn func(journal.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errCrash
	}
	draft := map[string]map[string]string{}
	for name, b := range m.data {
		draft[name] = maps.Clone(b)
	}
	if err := fn(&memoryTx{m, draft}); err != nil {
		return err
	}
	err := m.write()
	if err == nil || m.after {
		m.data = draft
	}
	return err
}

func (m *memory) write() error {
	m.made++
	if m.left < 0 {
		return nil
	}
	if m.left--; m.left < 0 {
		m.down = true
	}
	if m.down {
		return errCrash
	}
	return nil
}

type memoryTx struct {
	m    *memory
	data map[string]map[string]string
}

func (t *memoryTx) Get(bucket string, key []byte) ([]byte, error) {
	if v, ok := t.data[bucket][string(key)]; ok {
		return []byte(v), nil
	}
	return nil, nil
}

func (t *memoryTx) Put(bucket string, key, value []byte) error {
	if t.data[bucket] == nil {
		t.data[bucket] = map[string]string{}
	}
	if err := t.m.write(); err != nil {
		t.m.after = false
		return err
	}
	t.data[bucket][string(key)] = string(value)
	return nil
}

func (t *memoryTx) Delete(bucket string, key []byte) error {
	if err := t.m.write(); err != nil {
		t.m.after = false
		return err
	}
	delete(t.data[bucket], string(key))
	return nil
}

func (t *memoryTx) Ascend(bucket string, from []byte, fn func(k, v []byte) bool) error {
	for _, k := range slices.Sorted(maps.Keys(t.data[bucket])) {
		if k >= string(from) && !fn([]byte(k), []byte(t.data[bucket][k])) {
			return nil
		}
	}
	return nil
}
