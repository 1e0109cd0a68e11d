package service

import "github.com/holdfast-dev/holdfast/platform/state"

// State is what a running service writes down about itself: NAME.state.json in
// its runtime directory. It describes; who is alive, the lock decides.
type State = state.State

// Reloads counts reloads and tells of the last one that completed.
type Reloads = state.Reloads

// StopProgress tells how far an ordered stop has come.
type StopProgress = state.StopProgress

// StopStep is one step of an ordered stop that has ended.
type StopStep = state.StopStep

// Health is what a health check said last.
type Health = state.Health

// ReadState reads a state file. The error wraps fs.ErrNotExist if there is none.
// It never blocks and follows no link, see [state.Read].
func ReadState(path string) (State, error) { return state.Read(path) }
