package journal

import (
	"bytes"
	"context"
	"testing"
)

// Tidy does what the journal does every few seconds.
func Tidy(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Verify verifies a file with that content.
func Verify(content []byte) error { return verify(bytes.NewReader(content), int64(len(content))) }

// Decode decodes an entry.
func Decode(id uint64, b []byte) (Entry, error) { return decode(id, b) }

// Encode is the inverse of Decode.
func Encode(e Entry) ([]byte, error) { return encode(e) }

// TidyNow is Tidy outside of a test.
func TidyNow(j *Journal) error { return j.tidy(context.Background()) }

// Expire checks the leases now.
func Expire(j *Journal) { j.expire(context.Background()) }

// OpenIdle opens a journal without background work.
func OpenIdle(rt Runtime, o Options) (*Journal, error) { return openIdle(rt, o) }

// OpenStopped opens the journal of a service that is not running.
func OpenStopped(path string) (*Journal, error) { return openStopped(path) }

// StoreFormat is the format of a new journal.
const StoreFormat = storeFormat
