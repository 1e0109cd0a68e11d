package upgrade

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// NewEngine returns an Engine in the middle of the upgrade id.
func NewEngine(stable, id string, before func(string) error) *Engine {
	return &Engine{Machine: Machine{Before: before}, Options: Options{Stable: stable}, at: &Attempt{ID: id}}
}

// Replace moves the file at beside to the stable path.
func Replace(e *Engine, beside string) error { return e.replace(beside) }

// Mend repairs what an interrupted Replace has left.
func Mend(e *Engine) error { return e.mend() }

// Without returns pairs without those that begin with from.
func Without(pairs []string, from string) ([]string, bool) { return without(pairs, from) }

// Halfway reports whether conductor's upgrade was interrupted during the renewal. The service
// does not run.
func Halfway(conductor proc.Identity) bool {
	e := NewEngine("", "u1", nil)
	e.at.Step, e.at.Conductor = stepRenew, conductor
	e.Boots = func() []string { return []string{conductor.Boot} } // all boots have the same name
	e.Status = func(context.Context, string, string) Status { return Status{} }
	return e.halfway(context.Background(), stepRenew)
}
