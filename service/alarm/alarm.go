// Package alarm tells somebody that something has happened to a service: it hands
// alarms to a command, or to a web hook in programs that ask for package
// service/alarm/webhook, and keeps them in a file until one has taken them.
//
// Nobody waits for any of that. Raising an alarm puts it into memory and returns; a
// [Desk] writes it to the queue file and then delivers it. Where the file cannot be
// written, or the disk takes longer than two seconds, it is delivered all the same: a
// full disk is a reason for an alarm. What was not delivered when the service ends, or
// is killed, the next run delivers. So an alarm may arrive twice, and never with
// another id.
//
// # Joined and limited
//
// After one of a kind (and subject: the health check, the directory) was delivered,
// the next is at the earliest [Config.Every] later, and all that come until then are
// that one, with their number and the times of the first and the last. At most
// [MaxPending] wait; of more, the oldest are dropped, and how many is said. A way that
// fails is tried again after pauses that double, from 10 seconds to 15 minutes; an
// alarm that failed a hundred times, which takes about a day, is dropped. A reload takes
// the whole table, see [Desk.Reload].
//
// # The command
//
// It is started without a shell, as the service's user, in / with an environment of its
// own (see [Environment]) and no descriptors but its standard ones, gets the alarm as JSON
// ([Event]) on its standard input, and has a process group (on Windows a job object) to
// itself. It succeeds by exit code 0. When it has ended, or its time is up, or the
// service ends, all that is left of its group is killed; on Linux and Windows also when
// the service is killed. What leaves the group on purpose (setsid(2)) is left to the
// manager, which ends it with the service. Up to 4 KiB of what it prints are logged.
//
// # The second instance
//
// It has no right to speak for the service, so it leaves a note in the state directory,
// where it can write to it, and the running instance raises the alarm. One that
// another user started can leave none; whoever started it is told by exit code 75.
package alarm

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what an alarm is about. A later version may know more of them.
type Kind string

// The kinds.
const (
	Tampered       Kind = "tampered"        // somebody removed or altered the PID or lock file
	SecondInstance Kind = "second-instance" // another one was started, and refused
	UncleanEnd     Kind = "unclean-end"     // the last run did not end in order: killed, crashed, failed, a power cut
	ReloadFailed   Kind = "reload-failed"   // the old configuration stays
	StopOverran    Kind = "stop-overran"    // a step of the stop, or the whole of it, or it was forced
	RestartLoop    Kind = "restart-loop"    // one run after the other ends soon, and not in order
	PoisonWork     Kind = "poison-work"     // the journal set work aside that crashes the program, or cannot be read
	RolledBack     Kind = "rolled-back"     // an upgrade was
	HealthLost     Kind = "health-lost"     // a health check began to fail
	HealthRegained Kind = "health-regained" // it succeeds again
	DiskLow        Kind = "disk-low"        // space or inodes of one of the service's directories run out
	FromProgram    Kind = "program"         // the program itself raised it
	Test           Kind = "test"            // somebody tries whether alarms arrive
)

// Kinds are those that a configuration can choose, all but [Test].
func Kinds() []Kind {
	return []Kind{
		Tampered, SecondInstance, UncleanEnd, ReloadFailed, StopOverran, RestartLoop, PoisonWork, RolledBack,
		HealthLost, HealthRegained, DiskLow, FromProgram,
	}
}

// Event is an alarm. It is what a command gets on its standard input, and a web hook as
// the body of its request, as one JSON object.
type Event struct {
	ID      string    `json:"id"` // the same when it arrives again
	Kind    Kind      `json:"kind"`
	Subject string    `json:"subject,omitempty"` // the health check, the directory, what the program calls it
	Text    string    `json:"text"`              // of the last one, for people
	Count   int       `json:"count"`             // of those that are joined in it
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Service string    `json:"service"` // with its instance
	Host    string    `json:"host,omitempty"`
	Version string    `json:"version,omitempty"` // of the program that raised it
	Term    uint64    `json:"term,omitempty"`    // of the run that raised it
	// Dropped is how many alarms were lost since one was last delivered.
	Dropped int `json:"dropped,omitempty"`

	unless string // the id of one that tells the same story: see [Desk.RaiseUnless]
}

// The longest texts that are kept of an event, in bytes.
const (
	maxText    = 2000
	maxSubject = 200
)

// key is what events have in common that are joined.
func (e Event) key() string { return string(e.Kind) + " " + e.Subject }

// join has e stand for f as well, which came later.
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

// message is what is delivered.
func (e Event) message() []byte {
	b, err := json.Marshal(e)
	if err != nil { // it consists of texts, numbers and times
		return nil
	}
	return append(b, '\n')
}

// plain is text of at most most bytes that fits everywhere: no variable can hold a NUL.
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
