package systemd

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// unitFailed is the identity of systemd's message that a unit has failed, see
// systemd.journal-fields(7) and sd-messages.h.
const unitFailed = "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c"

// before is how the run before the one that systemd has started again ended: with
// the start of the next systemd forgets it, and its journal does not. It is nil if
// there was none, or the journal is not for us to see.
func (m *Manager) before(ctx context.Context, id platform.ID, p properties) (*platform.Exit, time.Time) {
	if p.number("MainPID") == 0 || p.number("NRestarts") == 0 {
		return nil, time.Time{}
	}
	argv := []string{"journalctl", "--no-pager", "--quiet", "--lines=1", "--output=json", unitFailed}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user", "USER_UNIT="+unit(id))
	} else {
		argv = append(argv, "_PID=1", "UNIT="+unit(id))
	}
	out, err := m.sys.Run(ctx, argv...)
	if err != nil {
		return nil, time.Time{}
	}
	var entry struct {
		Result string `json:"UNIT_RESULT"`
		At     string `json:"__REALTIME_TIMESTAMP"`
	}
	if json.Unmarshal([]byte(out), &entry) != nil || entry.Result == "" {
		return nil, time.Time{}
	}
	at, err := strconv.ParseInt(entry.At, 10, 64)
	if err != nil {
		return nil, time.Time{}
	}
	return &platform.Exit{Code: -1, Reason: entry.Result}, time.UnixMicro(at)
}
