package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func FuzzDecode(f *testing.F) {
	for _, e := range []journal.Entry{{}, {ID: 7, Work: journal.Work{Kind: "x", Params: []byte("42"), Rerun: true}, State: journal.Begun, Attempt: 2}} {
		b, err := journal.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e.ID, b)
	}
	f.Add(uint64(0), []byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, id uint64, b []byte) {
		e, err := journal.Decode(id, b)
		if err != nil {
			if !errors.Is(err, journal.ErrDamaged) {
				t.Error(err)
			}
			return
		}
		again, err := journal.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := journal.Decode(id, again)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%+v became %+v: %v", e, back, err)
		}
	})
}

// A file that passes verification is valid: bbolt reads all of it without a panic.
func FuzzVerify(f *testing.F) {
	_, content := filled(f, 3)
	f.Add(0, []byte{}, len(content))
	f.Add(16, []byte{0xff, 0xff}, len(content))
	f.Add(4*4096+20, []byte{9, 0, 0, 0}, len(content))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at int, patch []byte, size int) {
		b := bytes.Clone(content)
		if size >= 0 && size < len(b) {
			b = b[:size]
		}
		if at >= 0 && at < len(b) {
			copy(b[at:], patch)
		}
		if err := journal.Verify(b); err != nil {
			if !errors.Is(err, journal.ErrDamaged) {
				t.Error(err)
			}
			return
		}
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, ReadOnly: true})
		if err != nil {
			t.Fatalf("it was verified: %v", err)
		}
		defer db.Close()
		err = db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				if b == nil { // the bucket is missing, which the journal detects
					return nil
				}
				return b.ForEach(func(k, v []byte) error { return nil })
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}
