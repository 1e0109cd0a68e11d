package alarm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const queued = `{"pending":[{"id":"tampered.7.1","kind":"tampered","text":"x","count":2,"first":"2026-11-29T10:00:00Z","last":"2026-11-29T10:00:01Z",
"service":"feedd","left":{"command":3}}],"sent":[{"id":"unclean-end.6","key":"unclean-end ","at":"2026-11-29T09:00:00Z"}],
"ways":[{"name":"command","last_failure":"2026-11-29T10:00:02Z","error":"exit status 1","in_a_row":3}],"dropped":4,"levels":{"disk-low /a":1}}`

func TestRead(t *testing.T) {
	path := alarm.File(t.TempDir(), "feedd")
	if r, err := alarm.Read(path); r != nil || err != nil {
		t.Errorf("of none: %+v, %v", r, err)
	}
	if err := os.WriteFile(path, []byte(queued), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := alarm.Read(path)
	if err != nil || r.Pending != 1 || r.Dropped != 4 || !r.Oldest.Equal(time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)) || len(r.Failing()) != 1 || r.Failing()[0].InARow != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Read follows no link, and waits for nothing.
func TestReadRefusesWhatIsPlanted(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	path := alarm.File(dir, "feedd")
	if err := os.WriteFile(other, []byte(queued), 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there, and Wine has its own")
	}
	if err := os.Symlink(other, path); err != nil {
		t.Skip(err)
	}
	if r, err := alarm.Read(path); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("%+v, %v", r, err)
	}
	// A write replaces the link, not its target.
	desk := alarm.Open(alarm.Options{Config: toldBy("fail"), File: path, Term: 1, Log: quiet()})
	desk.Raise(alarm.Tampered, "", "x")
	wait.Until(t, "the queue", func() bool {
		r, err := alarm.Read(path)
		return err == nil && r != nil && len(r.Ways) > 0
	})
	desk.Close(time.Minute)
	info, err := os.Lstat(path)
	left, e := os.ReadFile(other)
	if err != nil || e != nil || info.Mode()&fs.ModeSymlink != 0 || string(left) != queued {
		t.Errorf("%v, %v, %v, %s", info.Mode(), err, e, left)
	}
}

// Whatever the file contains, the decoded queue is limited, fits into the file again, and is
// decoded to the same.
func FuzzQueue(f *testing.F) {
	f.Add([]byte(queued))
	f.Add([]byte(`{"pending":[null,{},{"id":"x","kind":"y","left":{"command":-1},"count":1}],"sent":null,"ways":[{}],"levels":{"":1}}`))
	f.Add([]byte(`{"pending":[{"id":"\u0000","kind":"\ud800","text":"` + strings.Repeat("<", 3000) + `","left":{"webhook":0,"pigeon":1},"count":9}],"tested":{"id":"x","results":[{},{},{}]}}`))
	f.Add(bytes.Repeat([]byte("["), 10000))
	f.Fuzz(func(t *testing.T, content []byte) {
		once, n, err := alarm.Decode(content)
		if err != nil {
			if !errors.Is(err, files.ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		if n > alarm.MaxPending || len(once) > 4<<20 {
			t.Errorf("%d alarms, %d bytes", n, len(once))
		}
		twice, _, err := alarm.Decode(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%v\n%s\n%s", err, once, twice)
		}
	})
}

// The largest possible queue can be read again.
func TestTheLargestQueueFits(t *testing.T) {
	type entry map[string]any
	var pending, sent []entry
	long := strings.Repeat("\x01", 5000)
	for range 100 {
		pending = append(pending, entry{"id": long, "kind": long, "subject": long, "text": long, "service": long, "host": long, "version": long, "count": 1, "left": entry{"command": 0}})
	}
	for range 200 {
		sent = append(sent, entry{"id": long, "key": long})
	}
	b, err := json.Marshal(entry{"pending": pending, "sent": sent})
	if err != nil {
		t.Fatal(err)
	}
	again, n, err := alarm.Decode(b)
	if err != nil || n != alarm.MaxPending || len(again) > 4<<20 {
		t.Errorf("%d alarms, %d bytes, %v", n, len(again), err)
	}
}
