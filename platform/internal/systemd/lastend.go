package systemd

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Identities of systemd's messages, see systemd.journal-fields(7) and sd-messages.h:
// that a unit has failed, and how a process of a unit ended.
const (
	unitFailed  = "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c"
	processExit = "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15"
)

// endEntries is how many such messages one failure has at most: of the main process,
// of those that stopped it and cleaned up, and of the unit.
const endEntries = "4"

// before is how the run before the one that systemd has started again ended: with
// the start of the next systemd forgets it, and its journal does not. It is nil if
// there was none, or the journal is not for us to see.
func (m *Manager) before(ctx context.Context, id platform.ID, p properties) (*platform.Exit, time.Time) {
	if p.number("MainPID") == 0 || p.number("NRestarts") == 0 {
		return nil, time.Time{}
	}
	argv := []string{"journalctl", "--no-pager", "--quiet", "--lines=" + endEntries, "--output=json", unitFailed, processExit}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user", "USER_UNIT="+unit(id))
	} else {
		argv = append(argv, "_PID=1", "UNIT="+unit(id))
	}
	out, err := m.sys.Run(ctx, argv...)
	if err != nil {
		return nil, time.Time{}
	}
	var exit *platform.Exit
	var at time.Time
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
			exit, at, e = &end, time.UnixMicro(ended), platform.Exit{Code: -1}
		}
	}
	return exit, at
}

// endEntry is one of these messages.
type endEntry struct {
	At      string `json:"__REALTIME_TIMESTAMP"`
	Result  string `json:"UNIT_RESULT"` // of the unit
	Command string `json:"COMMAND"`     // whose process it was
	Code    string `json:"EXIT_CODE"`   // exited, killed, dumped
	Status  string `json:"EXIT_STATUS"` // its code, or the number of the signal
}

// exit is how the main process ended; without a reason, which is the unit's.
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
