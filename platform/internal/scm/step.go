package scm

import "github.com/holdfast-dev/holdfast/platform"

// The kinds of step that an [Applier] carries out.
const (
	StepDirectory         platform.StepKind = "directory"           // Path is made, or given that [Access]
	StepService           platform.StepKind = "service"             // the [Registration] is made, over what is there
	StepStartService      platform.StepKind = "start-service"       // the [Registration]'s Name: takes back that it was stopped
	StepStopService       platform.StepKind = "stop-service"        // the [Registration]'s Name: returns when its process is gone
	StepRemoveService     platform.StepKind = "remove-service"      // the [Registration]'s Name: absent is fine; stopped before
	StepPutEventSource    platform.StepKind = "put-event-source"    // the [LogEntry] as it was before
	StepEventSource       platform.StepKind = "event-source"        // the [EventSource] may write to the system's log
	StepRemoveEventSource platform.StepKind = "remove-event-source" // the [EventSource]: absent is fine
)

// Access is who may do what with a directory.
type Access struct {
	SDDL string `json:"access"`
}

// String is for the plan that a person reads.
func (a Access) String() string { return "access " + a.SDDL }

// LogEntry is an entry of the Application log's as it is, or was.
type LogEntry struct {
	Name   string `json:"source"`
	Source Source `json:"entry"`
}

// EventSource is who may write to the Application log.
type EventSource struct {
	Name string `json:"source"`
}
