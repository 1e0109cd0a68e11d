package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// filled returns a directory with a journal that has n entries in progress and as many
// finished ones, and the content of its file.
func filled(t testing.TB, n int) (rt *runtime, content []byte) {
	t.Helper()
	rt = ready(t.TempDir(), 1)
	j := open(t, rt, journal.Options{})
	for i := range n {
		begin(t, j, journal.Work{Kind: fmt.Sprint("open ", i), Rerun: true, Params: bytes.Repeat([]byte{byte(i)}, 300)})
		e := begin(t, j, journal.Work{Kind: "done"})
		if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(rt.StatePath(journal.Suffix))
	if err != nil {
		t.Fatal(err)
	}
	return rt, content
}

// put opens a journal whose file has that content, in a new directory. It checks what must
// always hold: the journal can be written, and an unusable file is kept under another name.
func put(t *testing.T, content []byte) (j *journal.Journal, log string) {
	t.Helper()
	rt := ready(t.TempDir(), 2)
	var b bytes.Buffer
	rt.Log = slog.New(slog.NewTextHandler(&b, nil))
	if err := os.WriteFile(rt.StatePath(journal.Suffix), content, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, rt, journal.Options{})
	if path := j.SetAside(); path != "" {
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, content) {
			t.Errorf("what was set aside is another: %v", err)
		}
		if !strings.Contains(b.String(), "set aside") || !strings.Contains(b.String(), filepath.Base(path)) {
			t.Errorf("it is not told: %s", b.String())
		}
		if all := recovery.AsideOf(rt.StatePath(journal.Suffix)); len(all) != 1 || all[0] != path {
			t.Errorf("listed as set aside is %q", all)
		}
	}
	begin(t, j, journal.Work{Kind: "new"})
	return j, b.String()
}

// A power cut may leave any prefix of a growing file. Only a part of the cases is played: see
// slice.
func TestAFileThatIsCutOffAnywhereIsSetAsideOrWhole(t *testing.T) {
	_, content := filled(t, 20)
	first, each := slice(t, 16)
	for size := first * 512; size <= len(content); size += each * 512 {
		cutAt(t, content, size)
	}
	if j, _ := put(t, content); j.SetAside() != "" {
		t.Error("one that is whole is set aside")
	}
}

func cutAt(t *testing.T, content []byte, size int) {
	t.Helper()
	j, _ := put(t, content[:size])
	defer j.Close() // hundreds of open journals would keep the machine busy
	if j.SetAside() != "" {
		return
	}
	if n := len(list(t, j)); n != 41 {
		t.Errorf("cut at %d: it passes for whole, and has %d entries of 41", size, n)
	}
}

// A block that was never written has its previous content, or zeros. Only a part of the cases
// is played: see slice.
func TestABlockThatIsLostIsNoticed(t *testing.T) {
	_, content := filled(t, 20)
	first, each := slice(t, 16)
	for at := first * 512; at < len(content); at += each * 512 {
		loseBlock(t, content, at)
	}
}

func loseBlock(t *testing.T, content []byte, at int) {
	t.Helper()
	torn := bytes.Clone(content)
	clear(torn[at : at+512])
	j, _ := put(t, torn)
	defer j.Close()
	if j.SetAside() != "" {
		return
	}
	all, lost, err := j.List(0)
	if err != nil || len(all)+lost != 41 {
		t.Errorf("block %d: %d entries and %d that are damaged, of 41: %v", at/512, len(all), lost, err)
	}
	for _, e := range all {
		if e = show(t, j, e.ID); strings.HasPrefix(e.Kind, "open ") && len(e.Params) != 300 {
			t.Errorf("block %d: %+v", at/512, e)
		}
	}
}

func TestWhatIsNoJournalIsSetAside(t *testing.T) {
	_, content := filled(t, 1)
	foreign := bytes.Clone(content)
	for _, at := range []int{0, os.Getpagesize()} {
		binary.NativeEndian.PutUint32(foreign[at+16+4:], 3) // the version of bbolt's format
	}
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "zeros": make([]byte, 1<<16), "another version of bbolt": foreign,
	} {
		if j, _ := put(t, content); j.SetAside() == "" {
			t.Errorf("%s: taken for a journal", name)
		}
	}
}

func TestAnotherProgramsFileOfBboltIsSetAside(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	db := bolt(t, rt)
	err := db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if j := open(t, rt, journal.Options{}); j.SetAside() == "" {
		t.Error("taken for a journal")
	}
}

func TestADirectoryInItsPlaceIsSetAside(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	if err := os.Mkdir(rt.StatePath(journal.Suffix), 0o700); err != nil {
		t.Fatal(err)
	}
	j := open(t, rt, journal.Options{})
	if info, err := os.Stat(j.SetAside()); err != nil || !info.IsDir() {
		t.Error(err)
	}
}

// bolt opens the file of a journal as bbolt does.
func bolt(t *testing.T, rt *runtime) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(rt.StatePath(journal.Suffix), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// setFormat changes the format of rt's journal.
func setFormat(t *testing.T, rt *runtime, n uint64) {
	t.Helper()
	db := bolt(t, rt)
	err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), binary.BigEndian.AppendUint64(nil, n))
	})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOlderProgramLeavesANewerJournalAlone(t *testing.T) {
	rt, _ := filled(t, 2)
	setFormat(t, rt, journal.StoreFormat+1)
	before, err := os.ReadFile(rt.StatePath(journal.Suffix))
	if err != nil {
		t.Fatal(err)
	}
	rt.Number++
	j, err := journal.Open(rt, journal.Options{})
	if err != nil || !errors.Is(j.Refused(), journal.ErrNewer) || j.SetAside() != "" {
		t.Fatal(err, j.Refused())
	}
	if _, err := j.Begin(t.Context(), journal.Work{}); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("begin: %v", err)
	}
	if _, err := j.Next(t.Context()); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("next: %v", err)
	}
	if _, _, err := j.List(0); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("list: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(rt.StatePath(journal.Suffix)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was written: %v", err)
	}
	// The newer program returns.
	setFormat(t, rt, journal.StoreFormat)
	rt.Number++
	if got := next(t, open(t, rt, journal.Options{})); got.Kind != "open 0" {
		t.Errorf("%+v", got)
	}
}

func TestWhereNothingCanBeWrittenTheServiceStarts(t *testing.T) {
	rt := ready(filepath.Join(t.TempDir(), "none"), 1)
	j, err := journal.Open(rt, journal.Options{})
	if err != nil || !errors.Is(j.Refused(), fs.ErrNotExist) {
		t.Fatal(err, j.Refused())
	}
	if _, err := j.Begin(t.Context(), journal.Work{}); err == nil {
		t.Error("begun, and written nowhere")
	}
	if err := errors.Join(j.Checkpoint(t.Context(), 1, nil), j.Renew(1, "")); err == nil {
		t.Error("no error")
	}
}

func TestCompactionGivesRoomBackAndLosesNothing(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	o := journal.Options{Keep: 5}
	j := open(t, rt, o)
	first := begin(t, j, journal.Work{Kind: "first", Rerun: true, Params: []byte("42")})
	for range 8 {
		e := begin(t, j, journal.Work{Kind: "big", Key: "", Params: make([]byte, 1<<20-100)})
		if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(rt.StatePath(journal.Suffix))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	journal.Tidy(t, j)
	before := size()
	j = again(t, j, rt, journal.Options{Keep: 1})
	done := make(chan error)
	go func() { // other work continues
		for range 50 {
			if _, err := j.Begin(t.Context(), journal.Work{Kind: "meanwhile"}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	journal.Tidy(t, j)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if after := size(); after > before/2 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	if got := next(t, j); got.RerunOf != first.ID || string(got.Params) != "42" {
		t.Errorf("%+v", got)
	}
	if n := len(list(t, j)); n < 50 || n > 53 {
		t.Errorf("%d entries", n)
	}
}

func TestWhatIsOldIsRemovedWithItsKey(t *testing.T) {
	j := open(t, ready(t.TempDir(), 1), journal.Options{KeepFor: time.Nanosecond})
	e := begin(t, j, journal.Work{Key: "k"})
	if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err != nil {
		t.Fatal(err)
	}
	journal.Tidy(t, j)
	if _, err := j.Show(e.ID); !errors.Is(err, journal.ErrNone) {
		t.Error(err)
	}
	if again := begin(t, j, journal.Work{Key: "k"}); again.ID <= e.ID {
		t.Errorf("number %d was given twice", again.ID)
	}
}
