package journal_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// In a program's test, time may stand still while anything is running. So nothing may wait for
// time to pass.
func TestAJournalGoesOnWhereTimeStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, ready(t.TempDir(), 1), journal.Options{Store: newMemory()})
		failed := make(chan error)
		for w := range 4 {
			go func() {
				for i := range 20 {
					e, err := j.Begin(t.Context(), journal.Work{Kind: "x", Key: fmt.Sprint(w, ".", i)})
					if err == nil {
						err = j.Finish(t.Context(), e.ID, journal.Outcome{})
					}
					if err != nil {
						failed <- err
						return
					}
				}
				failed <- nil
			}()
		}
		for range 4 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}
