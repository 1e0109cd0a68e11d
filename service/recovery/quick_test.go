package recovery_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

func TestQuickEndsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.lastrun.json")
	failed := platform.Exit{Code: 1, Reason: "broken"}
	for i, run := range []struct {
		ready bool
		exit  *platform.Exit
		want  int
	}{
		{true, &failed, 0},
		{true, nil, 1},
		{false, &failed, 2}, // never ready
		{true, &failed, 3},
		{true, &failed, 1}, // after a run that was well
		{true, &platform.Exit{Clean: true}, 2},
		{true, &failed, 0},
		{true, nil, 1},
	} {
		r, last := begin(t, path)
		ended := last.Started.Add(time.Second)
		if i == 3 || i == 4 { // the previous run lived for long
			ended = ended.Add(time.Hour)
		}
		if got, err := r.Quick(last, ended, time.Minute); err != nil || got != run.want {
			t.Errorf("run %d: %d, want %d; %v", i, got, run.want, err)
		}
		if run.ready {
			if err := r.Ready(); err != nil {
				t.Fatal(err)
			}
		}
		if run.exit != nil {
			if err := r.Close(*run.exit, false); err != nil {
				t.Fatal(err)
			}
			if err := r.Ready(); err != nil { // too late, but no error
				t.Fatal(err)
			}
		}
	}
}
