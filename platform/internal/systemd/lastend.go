package systemd

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// IDs of systemd's messages that a unit has failed, how a process of a unit ended, and that a unit
// is restarted now: see systemd.journal-fields(7) and sd-messages.h.
const (
	unitFailed  = "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c"
	processExit = "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15"
	unitRestart = "MESSAGE_ID=5eb03494b6584870a536b337290809b3"
)

// endEntries is the largest number of such messages for one failure: for the main process, for
// those that stopped it and cleaned up, for the unit, and for its restart.
const endEntries = "5"

// restartTakes limits the time between systemd's message that it restarts a unit and the change
// of the unit's state.
const restartTakes = time.Second

// lastEnd returns how the last run that has ended did so, as far as systemd knows.
func (m *Manager) lastEnd(ctx context.Context, id platform.ID, p properties) (*platform.Exit, time.Time) {
	if exit := p.exit(); exit != nil {
		return exit, p.time("ExecMainExitTimestamp")
	}
	return m.before(ctx, id, p)
}

// before returns how the previous run of a restarted service ended. systemd forgets that with
// the next start, but its journal does not. It returns nil if there was no such run, if that run
// has not failed, or if we may not read the journal.
func (m *Manager) before(ctx context.Context, id platform.ID, p properties) (*platform.Exit, time.Time) {
	if p.number("MainPID") == 0 || p.number("NRestarts") == 0 {
		return nil, time.Time{}
	}
	began := microseconds(p["InactiveExitTimestampMonotonic"])
	older := func(f failure) bool { return f.restarted < began-restartTakes }
	last := m.failure(ctx, id)
	if older(last) && m.syncSoon(ctx) == nil { // journald has not read the messages yet
		last = m.failure(ctx, id)
	}
	if older(last) {
		return nil, time.Time{}
	}
	return last.exit, last.at
}

// syncSoon gives journald, which may hang, a few seconds.
func (m *Manager) syncSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return m.SyncLogs(ctx)
}

// A failure is what the journal says of the run before the last restart. The zero value says
// nothing.
type failure struct {
	exit      *platform.Exit // nil: the run has not failed
	at        time.Time
	restarted time.Duration // when that was, since the boot
}

func (m *Manager) failure(ctx context.Context, id platform.ID) (last failure) {
	argv := []string{"journalctl", "--no-pager", "--quiet", "--lines=" + endEntries, "--output=json", unitFailed, processExit, unitRestart}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user", "USER_UNIT="+unit(id))
	} else {
		argv = append(argv, "_PID=1", "UNIT="+unit(id))
	}
	out, err := room.Ask(ctx, m.sys, argv...)
	if err != nil {
		return last
	}
	var run failure
	main := platform.Exit{Code: -1}
	for line := range strings.Lines(out) {
		var entry endEntry
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		switch at, since := entry.sent(); {
		case at.IsZero():
		case entry.Command == "ExecStart":
			main = entry.exit()
		case entry.Result != "":
			exit := main
			exit.Reason = entry.Result
			run.exit, run.at = &exit, at
		case entry.Restarts != "":
			run.restarted = since
			last, run, main = run, failure{}, platform.Exit{Code: -1}
		}
	}
	return last
}

// An endEntry is one of these messages.
type endEntry struct {
	Sent     string `json:"_SOURCE_REALTIME_TIMESTAMP"` // by systemd
	At       string `json:"__REALTIME_TIMESTAMP"`       // received by journald, which can be seconds later
	Since    string `json:"__MONOTONIC_TIMESTAMP"`      // the same, since the boot
	Result   string `json:"UNIT_RESULT"`                // of the unit
	Command  string `json:"COMMAND"`                    // the command that the process ran
	Code     string `json:"EXIT_CODE"`                  // exited, killed, dumped
	Status   string `json:"EXIT_STATUS"`                // exit code or signal number
	Restarts string `json:"N_RESTARTS"`                 // the number of the restart
}

// sent returns when systemd has sent the message, also since the boot. The zero time means that
// this is unknown.
func (e endEntry) sent() (at time.Time, since time.Duration) {
	received, sent := microseconds(e.At), microseconds(e.Sent)
	if received == 0 {
		return time.Time{}, 0
	}
	if sent == 0 {
		sent = received
	}
	return time.UnixMicro(sent.Microseconds()), microseconds(e.Since) - (received - sent)
}

// exit returns how the main process ended, without the reason, which belongs to the unit.
func (e endEntry) exit() platform.Exit {
	status, err := strconv.Atoi(e.Status)
	switch {
	case err != nil:
	case e.Code == "exited":
		return platform.Exit{Code: status, Means: meaning(status)}
	case e.Code == "killed", e.Code == "dumped":
		return platform.Exit{Code: -1, Signal: signalName(status)}
	}
	return platform.Exit{Code: -1}
}
