package trial_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/trial"
)

// The record of a trial names the boot, always by the same name. It is believed at the place
// where it is written.
func TestRecordNamesTheBoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "feedd.trial.json")
	var boots []string
	for range 2 {
		if err := trial.Write(path, trial.Record{ID: "t1", Service: "feedd", Boots: []string{"any"}}); err != nil {
			t.Fatal(err)
		}
		r, err := trial.Read(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Boots) != 2 || r.Boots[0] != "any" || len(r.Boots[1]) != 32 || boots != nil && !slices.Equal(boots, r.Boots) {
			t.Errorf("it is %q, and was %q", r.Boots, boots)
		}
		boots = r.Boots
	}
}
