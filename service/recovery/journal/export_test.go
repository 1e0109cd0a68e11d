package journal

import (
	"bytes"
	"context"
	"testing"
)

// Tidy is what the journal does every few seconds.
func Tidy(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Verify is verify of a file with that content.
func Verify(content []byte) error { return verify(bytes.NewReader(content), int64(len(content))) }

// Decode and Encode are the layout of an entry.
func Decode(id uint64, b []byte) (Entry, error) { return decode(id, b) }

// Encode is the reverse of Decode.
func Encode(e Entry) ([]byte, error) { return encode(e) }

// TidyNow is Tidy outside of a test.
func TidyNow(j *Journal) error { return j.tidy(context.Background()) }

// Expire looks at the leases now.
func Expire(j *Journal) { j.expire(context.Background()) }

// OpenIdle opens a journal that does nothing that it is not asked for, however long it is open.
func OpenIdle(rt Runtime, o Options) (*Journal, error) { return openIdle(rt, o) }
