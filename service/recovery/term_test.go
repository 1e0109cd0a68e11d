package recovery_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

func TestTermsOnlyGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.term")
	if term, err := recovery.ReadTerm(path); term != 0 || err != nil {
		t.Errorf("before the first: %d, %v", term, err)
	}
	for want := uint64(1); want <= 3; want++ {
		term, err := recovery.BeginTerm(path, 0)
		if term != want || err != nil {
			t.Errorf("%d, %v; want %d", term, err, want)
		}
		if err := recovery.SyncTerm(path); err != nil {
			t.Error(err)
		}
		if read, err := recovery.ReadTerm(path); read != want || err != nil {
			t.Errorf("read %d, %v; want %d", read, err, want)
		}
	}
	if term, err := recovery.BeginTerm(path, 40); term != 41 || err != nil {
		t.Errorf("after 40, known from elsewhere: %d, %v", term, err)
	}
}

func TestALostTermIsToldAndStillGrows(t *testing.T) {
	for _, junk := range []string{"", "7", "seven\n", "-1\n", "7\n8\n", "99999999999999999999999\n", "\x00\x00"} {
		path := filepath.Join(t.TempDir(), "feedd.term")
		if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		before := time.Now().Unix()
		term, err := recovery.BeginTerm(path, 0)
		if !errors.Is(err, recovery.ErrTermLost) || int64(term) < before {
			t.Errorf("%q: %d, %v", junk, term, err)
		}
		if next, err := recovery.BeginTerm(path, 0); next != term+1 || err != nil {
			t.Errorf("%q: then %d, %v", junk, next, err)
		}
	}
}

func TestATermThatCannotBeWrittenIsAnError(t *testing.T) {
	if _, err := recovery.BeginTerm(filepath.Join(t.TempDir(), "none", "x"), 0); err == nil {
		t.Error("no error")
	}
	if err := recovery.SyncTerm(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error of a sync")
	}
}
