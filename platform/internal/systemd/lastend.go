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

// IDs of systemd's messages that a unit has failed, and how a process of a unit ended: see
// systemd.journal-fields(7) and sd-messages.h.
const (
	unitFailed  = "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c"
	processExit = "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15"
)

// endEntries is the largest number of such messages for one failure: for the main process, for
// those that stopped it and cleaned up, and for the unit.
const endEntries = "4"

// behind is the time by which a message that a unit has failed may be older than the unit's
// state: systemd sends it first. A message that is older still is about an end before.
const behind = 100 * time.Millisecond

// before returns how the previous run of a restarted service ended. systemd forgets that with
// the next start, but its journal does not. It returns nil if there was no such run, or if we
// may not read the journal.
func (m *Manager) before(ctx context.Context, id platform.ID, p properties) (*platform.Exit, time.Time) {
	if p.number("MainPID") == 0 || p.number("NRestarts") == 0 {
		return nil, time.Time{}
	}
	began := p.monotonic("InactiveEnterTimestampMonotonic")
	older := func(f failure) bool { return began > 0 && f.since < began-behind }
	last := m.failure(ctx, id)
	if older(last) && m.syncSoon(ctx) == nil { // journald has not read the message yet
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

// A failure is what the journal says last about failures of a unit. The zero value says nothing.
type failure struct {
	exit  *platform.Exit
	at    time.Time
	since time.Duration // at, since the boot
}

func (m *Manager) failure(ctx context.Context, id platform.ID) (last failure) {
	argv := []string{"journalctl", "--no-pager", "--quiet", "--lines=" + endEntries, "--output=json", unitFailed, processExit}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user", "USER_UNIT="+unit(id))
	} else {
		argv = append(argv, "_PID=1", "UNIT="+unit(id))
	}
	out, err := room.Ask(ctx, m.sys, argv...)
	if err != nil {
		return last
	}
	e := platform.Exit{Code: -1}
	for line := range strings.Lines(out) {
		var entry endEntry
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		switch ended, err := strconv.ParseInt(entry.At, 10, 64); {
		case entry.Command == "ExecStart":
			e = entry.exit()
		case entry.Result != "" && err == nil:
			end := e
			end.Reason = entry.Result
			last = failure{&end, time.UnixMicro(ended), microseconds(entry.Since)}
			e = platform.Exit{Code: -1}
		}
	}
	return last
}

// An endEntry is one of these messages.
type endEntry struct {
	At      string `json:"__REALTIME_TIMESTAMP"`
	Since   string `json:"__MONOTONIC_TIMESTAMP"`
	Result  string `json:"UNIT_RESULT"` // of the unit
	Command string `json:"COMMAND"`     // the command that the process ran
	Code    string `json:"EXIT_CODE"`   // exited, killed, dumped
	Status  string `json:"EXIT_STATUS"` // exit code or signal number
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
