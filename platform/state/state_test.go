package state_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

func TestReadWhatWasWritten(t *testing.T) {
	path := state.Path(t.TempDir(), "feedd@two")
	if filepath.Base(path) != "feedd@two.state.json" {
		t.Errorf("it is called %s", path)
	}
	if _, err := state.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is there: %v", err)
	}
	if err := state.Write(path, *wrote(us, ready, time.Minute)); err != nil {
		t.Fatal(err)
	}
	s, err := state.Of(path, us)
	if err != nil || s.Phase != ready || s.Restarts != 2 || s.Written.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := state.Of(path, old); err == nil {
		t.Error("another's file is taken for its own")
	}
}

// The keys of the file are a stable interface.
func TestKeys(t *testing.T) {
	b, err := json.Marshal(state.State{Name: "feedd", Process: us, Phase: ready, PhaseSince: now, StartedAt: now, ReadyAt: now})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"feedd","process":{"pid":70,"start":7,"boot":"b"},"phase":"ready","phase_since":"2026-01-02T12:00:00Z",` +
		`"started_at":"2026-01-02T12:00:00Z","ready_at":"2026-01-02T12:00:00Z",` +
		`"reloads":{"requested":0,"completed":0,"failed":0,"last_error":"","last_start_ns":0},"restarts":0}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.state.json")
	for name, content := range map[string]string{"empty": "", "half": `{"name":`, "another shape": `{"phase":7}`, "endless": `"` + strings.Repeat("x", 1<<20) + `"`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := state.Read(path); err == nil || s.Phase != "" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := state.Read(dir); err == nil {
		t.Error("a directory is read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"x","stop":{"steps":[{"took_ns":1}]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := state.Parse(content)
		if err == nil && !json.Valid(bytes.TrimSpace(content)) {
			t.Errorf("%q was understood", content)
		}
		if err != nil && s.Name != "" {
			t.Errorf("half a state comes with %v", err)
		}
	})
}

// The outcome is that of a reload which began after the request, and the last state of a dead
// process counts.
func TestAwaitReload(t *testing.T) {
	errGone := errors.New("gone")
	at := func(start time.Duration, err string) state.State {
		return state.State{Reloads: state.Reloads{LastStart: start, LastError: err}}
	}
	for name, tt := range map[string]struct {
		reads []state.State // in order; the last one repeats
		ends  int           // the process is gone after so many reads; 0: never
		want  error
		says  string
	}{
		"succeeded":                        {[]state.State{at(5, ""), at(5, ""), at(11, "")}, 0, nil, ""},
		"refused":                          {[]state.State{at(5, "older"), at(11, "bad port")}, 0, platform.ErrRejected, "bad port"},
		"one that was under way is none":   {[]state.State{at(10, "")}, 4, errGone, ""},
		"it ends, and has reloaded before": {[]state.State{at(5, ""), at(11, "")}, 1, nil, ""},
		"no answer":                        {[]state.State{at(5, "")}, 0, platform.ErrTimeout, "no outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, platform.ErrTimeout)
				defer cancel()
				n := 0
				err := state.AwaitReload(ctx, 10, func() (state.State, error) {
					if n == 0 && name == "succeeded" {
						n++
						return state.State{}, fs.ErrNotExist // not now
					}
					s := tt.reads[min(n, len(tt.reads)-1)]
					n++
					return s, nil
				}, func() error {
					if tt.ends > 0 && n >= tt.ends {
						return errGone
					}
					return nil
				})
				if !errors.Is(err, tt.want) || tt.want == nil && err != nil || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
