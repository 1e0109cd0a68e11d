package service

import "github.com/holdfast-dev/holdfast/platform/state"

// State describes a running service. It is in NAME.state.json in the runtime directory.
// Whether the service is alive is decided by its lock, not by this file.
type State = state.State

// Reloads counts reloads and describes the last one that completed.
type Reloads = state.Reloads

// StopProgress describes the progress of an ordered stop.
type StopProgress = state.StopProgress

// StopStep describes a completed step of an ordered stop.
type StopStep = state.StopStep

// Health is the last result of a health check.
type Health = state.Health

// ReadState reads a state file. The error wraps fs.ErrNotExist if there is none. ReadState
// never blocks and follows no link: see [state.Read].
func ReadState(path string) (State, error) { return state.Read(path) }
