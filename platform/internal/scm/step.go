package scm

import "github.com/holdfast-dev/holdfast/platform"

// The kinds of step that an [Applier] carries out.
const (
	StepDirectory         platform.StepKind = "directory"           // makes the directory Path, or changes its [Access]
	StepService           platform.StepKind = "service"             // registers the [Registration], in place of an existing one
	StepStartService      platform.StepKind = "start-service"       // starts the [Registration]'s Name: the inverse of a stop
	StepStopService       platform.StepKind = "stop-service"        // stops the [Registration]'s Name, and waits for the end of its process
	StepRemoveService     platform.StepKind = "remove-service"      // deletes the [Registration]'s Name, which may be absent and must be stopped
	StepPutEventSource    platform.StepKind = "put-event-source"    // restores the [LogEntry]
	StepEventSource       platform.StepKind = "event-source"        // lets the [EventSource] write to the system's log
	StepRemoveEventSource platform.StepKind = "remove-event-source" // removes the [EventSource], which may be absent
)

// An Access is the owner and the access list of a directory.
type Access struct {
	SDDL string `json:"access"`
}

// String describes the access for people, in a plan.
func (a Access) String() string { return "access " + a.SDDL }

// A LogEntry is an entry of the Application log, present or former.
type LogEntry struct {
	Name   string `json:"source"`
	Source Source `json:"entry"`
}

// An EventSource is a source that may write to the Application log.
type EventSource struct {
	Name string `json:"source"`
}
