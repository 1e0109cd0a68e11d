package installer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// ErrRolledBack means that the requested version was not confirmed: it failed its trial, or
// the upgrade was interrupted.
var ErrRolledBack = errors.New("rolled back")

// UpgradeOptions say which program is to replace the installed one, and how its trial is
// conducted.
type UpgradeOptions struct {
	File   string // path of the new version; empty: the previous version
	SHA256 string // the required digest, in hexadecimal; empty: any
	// Settle is how long the candidate must stay ready and healthy. Timeout limits the whole
	// trial. Zero means the defaults of the command `upgrade`.
	Settle, Timeout time.Duration
	Tries           int  // how often the candidate may be started; 0: once
	Restart         bool // restart the candidate after Settle, and wait for Settle again
	Force           bool // accept a version that was rolled back before

	Program string   // the program whose `upgrade` is run; empty: this program
	Command []string // the service.Config.Command of that program
	Flags   []string // flags that select the service: --config=FILE, --instance=NAME, --scope=user
}

// UpgradeResult is the outcome of an upgrade: the main fields of what `upgrade --json` prints.
type UpgradeResult struct {
	ID       string         `json:"id"`
	Result   string         `json:"result"` // see package installer/upgrade
	Reason   string         `json:"reason"`
	Downtime time.Duration  `json:"downtime_ns"`
	Up       bool           `json:"up"` // the service is as it was before
	From     UpgradeVersion `json:"from"`
	To       UpgradeVersion `json:"to"`
}

// UpgradeVersion is one version of the program.
type UpgradeVersion struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Upgrade tries another version of the program and confirms it or rolls back, as the command
// `upgrade` does. It returns when the upgrade is over.
//
// The running service may call it. The upgrade then stops that service: ctx ends, or the
// process does. The upgrade goes on, because a process of its own conducts it. The caller
// needs the same rights as whoever installed the service.
//
// The error wraps [ErrRolledBack] if the version before runs again, and [ErrBusy] if another
// upgrade is running. If the upgrade was refused, the error is the message of the command.
func Upgrade(ctx context.Context, o UpgradeOptions) (UpgradeResult, error) {
	argv, err := o.argv()
	if err != nil {
		return UpgradeResult{}, fmt.Errorf("upgrade: %w", err)
	}
	out, err := native.System{}.Run(ctx, argv...)
	if ctx.Err() != nil {
		return UpgradeResult{}, fmt.Errorf("upgrade: it continues without its caller: %w", context.Cause(ctx))
	}
	var r UpgradeResult
	if json.Unmarshal([]byte(out), &r) != nil || r.Result == "" {
		if failed, ok := errors.AsType[*platform.CommandError](err); ok && failed.Code == platform.ExitAlreadyRunning {
			err = fmt.Errorf("%w: %s", ErrBusy, strings.TrimSpace(failed.Stderr))
		} else if ok && failed.Stderr != "" {
			err = errors.New(strings.TrimSpace(failed.Stderr))
		}
		if err == nil {
			err = fmt.Errorf("%s sent no answer", argv[0])
		}
		return UpgradeResult{}, fmt.Errorf("upgrade: %w", err)
	}
	switch r.Result {
	case "confirmed", "unchanged":
		return r, nil
	case "refused":
		return r, fmt.Errorf("upgrade: %s", r.Reason)
	}
	return r, fmt.Errorf("upgrade: %w: %s", ErrRolledBack, r.Reason)
}

func (o UpgradeOptions) argv() ([]string, error) {
	program := o.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	verb := "upgrade"
	if o.File == "" {
		verb = "rollback"
	}
	argv := append(append([]string{program}, o.Command...), verb, "--json")
	argv = append(argv, o.Flags...)
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"--settle", o.Settle}, {"--timeout", o.Timeout}} {
		if d.value != 0 {
			argv = append(argv, d.flag+"="+d.value.String())
		}
	}
	if o.Tries > 0 {
		argv = append(argv, fmt.Sprintf("--tries=%d", o.Tries))
	}
	if o.Restart {
		argv = append(argv, "--restart")
	}
	if o.Force {
		argv = append(argv, "--force")
	}
	if o.File == "" {
		return argv, nil
	}
	if o.SHA256 != "" {
		argv = append(argv, "--sha256="+o.SHA256)
	}
	return append(argv, "--", o.File), nil
}
