package upgrade

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// NewEngine is one in the middle of the upgrade id.
func NewEngine(stable, id string, before func(string) error) *Engine {
	return &Engine{Machine: Machine{Before: before}, Options: Options{Stable: stable}, at: &Attempt{ID: id}}
}

// Replace has the stable path lead to what lies beside it.
func Replace(e *Engine, beside string) error { return e.replace(beside) }

// Mend puts right what a Replace that was cut off has left.
func Mend(e *Engine) error { return e.mend() }

// Without is pairs without those that begin with from.
func Without(pairs []string, from string) ([]string, bool) { return without(pairs, from) }

// Halfway reports whether an upgrade of conductor's was cut off in the middle of a renewal;
// the service does not run.
func Halfway(conductor proc.Identity) bool {
	e := NewEngine("", "u1", nil)
	e.at.Step, e.at.Conductor = stepRenew, conductor
	e.Boots = func() []string { return []string{conductor.Boot} } // the same name in each
	e.Status = func(context.Context, string, string) Status { return Status{} }
	return e.halfway(context.Background(), stepRenew)
}
