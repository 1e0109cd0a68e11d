package journal_test

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A program opens its journal in Start. Next returns interrupted work, once and in order. The
// program finishes the work that it begins.
func Example() {
	_ = func(_ context.Context, rt *service.Runtime) error { // Start
		j, err := journal.Open(rt, journal.Options{MaxCrashes: 3})
		if err != nil {
			return err
		}
		rt.Go("work that was interrupted", func(ctx context.Context) error {
			for {
				taken, err := j.Next(ctx)
				if err != nil {
					return nil //nolint:nilerr // the service stops
				}
				fmt.Println("again:", taken.Kind, string(taken.Params))
				if err := j.Finish(ctx, taken.ID, journal.Outcome{}); err != nil {
					return err
				}
			}
		})
		rt.Go("new work", func(ctx context.Context) error {
			e, err := j.Begin(ctx, journal.Work{Kind: "backup", Params: []byte("/home"), Rerun: true})
			if err != nil {
				return err
			}
			// After a crash from here on, Next returns the work with its checkpoint.
			if err := j.Checkpoint(ctx, e.ID, []byte("half")); err != nil {
				return err
			}
			return j.Finish(ctx, e.ID, journal.Outcome{})
		})
		return nil
	}
}
