// Package alarm notifies somebody of events in a service. It passes alarms to a command, or to
// a web hook in programs that use package service/alarm/webhook, and keeps them in a file
// until they are delivered.
//
// The service never waits for that. Raising an alarm stores it in memory and returns. A [Desk]
// writes it to the queue file and then delivers it. If the file cannot be written, or the disk
// takes longer than two seconds, the alarm is delivered nevertheless, because a full disk is a
// reason for an alarm. The next run delivers the alarms that are left when the service ends or
// is killed. So an alarm may arrive twice, but always with the same id.
//
// # Joining and limits
//
// After an alarm has been delivered, the next one of the same kind and subject (a health
// check, a directory) is delivered at least [Config.Every] later. All that are raised
// meanwhile are joined to one, with their number and the times of the first and the last.
//
// At most [MaxPending] alarms wait. If there are more, the oldest are dropped, and later
// alarms say how many. A way of delivery that fails is tried again after pauses that double
// from 10 seconds to 15 minutes. An alarm that has failed a hundred times, which takes about a
// day, is dropped. A reload takes the whole table: see [Desk.Reload].
//
// # The command
//
// The command is started without a shell, as the service's user, in the directory /. It has an
// environment of its own (see [Environment]), no descriptors but the standard ones, and a
// process group (on Windows a job object) of its own. It reads the alarm as JSON ([Event])
// from its standard input. Exit code 0 means success.
//
// When the command ends, its time is up or the service ends, everything left in its group is
// killed. On Linux and Windows this also happens when the service is killed. Processes that
// leave the group on purpose (setsid(2)) are left to the manager, which ends them with the
// service. Up to 4 KiB of the command's output is logged.
//
// # The second instance
//
// A second instance must not send alarms for the service. It leaves a note in the state
// directory if it can write there, and the running instance raises the alarm. A process of
// another user cannot leave a note; whoever started it learns of the refusal from exit code
// 75.
package alarm

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is the kind of an alarm. Later versions may add values.
type Kind string

// The kinds of alarms.
const (
	Tampered       Kind = "tampered"        // somebody removed or altered the PID or lock file
	SecondInstance Kind = "second-instance" // another instance was started, and refused
	UncleanEnd     Kind = "unclean-end"     // the last run did not end cleanly: killed, crashed, failed, a power cut
	ReloadFailed   Kind = "reload-failed"   // a reload failed, and the old configuration stays in force
	StopOverran    Kind = "stop-overran"    // the stop or a step of it overran, or the stop was forced
	RestartLoop    Kind = "restart-loop"    // one run after the other ends soon, and not cleanly
	PoisonWork     Kind = "poison-work"     // the journal set work aside that crashes the program, or cannot be read
	RolledBack     Kind = "rolled-back"     // an upgrade was rolled back
	HealthLost     Kind = "health-lost"     // a health check began to fail
	HealthRegained Kind = "health-regained" // the health check succeeds again
	DiskLow        Kind = "disk-low"        // space or inodes of one of the service's directories run out
	FromProgram    Kind = "program"         // raised by the program itself
	Test           Kind = "test"            // a test whether alarms arrive
)

// Kinds returns the kinds that a configuration can choose: all but [Test].
func Kinds() []Kind {
	return []Kind{
		Tampered, SecondInstance, UncleanEnd, ReloadFailed, StopOverran, RestartLoop, PoisonWork, RolledBack,
		HealthLost, HealthRegained, DiskLow, FromProgram,
	}
}

// An Event is an alarm. As a JSON object it is the standard input of the command, and the body
// of a web hook's request.
type Event struct {
	ID      string    `json:"id"` // the same if it arrives again
	Kind    Kind      `json:"kind"`
	Subject string    `json:"subject,omitempty"` // the health check, the directory, or the program's own name for it
	Text    string    `json:"text"`              // of the last alarm, for people
	Count   int       `json:"count"`             // number of alarms that are joined in it
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Service string    `json:"service"` // with its instance
	Host    string    `json:"host,omitempty"`
	Version string    `json:"version,omitempty"` // of the program that raised it
	Term    uint64    `json:"term,omitempty"`    // of the run that raised it
	// Dropped is the number of alarms lost since the last delivery.
	Dropped int `json:"dropped,omitempty"`

	unless string // the id of an alarm that makes this one superfluous: see [Desk.RaiseUnless]
}

// Limits of the texts of an event, in bytes.
const (
	maxText    = 2000
	maxSubject = 200
)

// key is equal for events that are joined.
func (e Event) key() string { return string(e.Kind) + " " + e.Subject }

// join adds the later event f to e.
func (e *Event) join(f Event) {
	e.Count += f.Count
	e.Text, e.Version, e.Term = f.Text, f.Version, f.Term
	if f.First.Before(e.First) {
		e.First = f.First
	}
	if f.Last.After(e.Last) {
		e.Last = f.Last
	}
}

// message returns the JSON that is delivered.
func (e Event) message() []byte {
	b, err := json.Marshal(e)
	if err != nil { // impossible: it has only texts, numbers and times
		return nil
	}
	return append(b, '\n')
}

// plain returns text without NUL bytes, which no environment variable can hold, cut off after
// most bytes.
func plain(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func known(k Kind) bool { return slices.Contains(Kinds(), k) }
