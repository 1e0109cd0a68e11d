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

// ErrRolledBack means that the version that was asked for is not the confirmed one: it
// failed on trial, or was interrupted.
var ErrRolledBack = errors.New("rolled back")

// UpgradeOptions say what is to take the place of the installed program.
type UpgradeOptions struct {
	File   string // path of the new version; empty: the version before
	SHA256 string // that it has to have, in hexadecimal; empty: any
	// Settle is how long it has to be ready and healthy, and Timeout the time for the
	// whole trial. 0: what `upgrade` takes.
	Settle, Timeout time.Duration
	Tries           int  // how often it may be started for that; 0: once
	Restart         bool // after Settle, restart the candidate once more, and have it settle again
	Force           bool // also a version that was rolled back before

	Program string   // whose `upgrade` conducts it; empty: this very program
	Command []string // service.Config's Command, where the tree is mounted
	Flags   []string // that say which service: --config=FILE, --instance=NAME, --scope=user
}

// UpgradeResult is what an upgrade has come to: the JSON of `upgrade`, as far as it
// matters here.
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

// Upgrade puts another version of the program on trial, as the command `upgrade`
// does, and returns when that has come to an end. It may be called in the running
// service, which is stopped by it: then ctx ends, or the process does, and the upgrade
// goes on without them, conducted by a process of its own. It needs the rights of who
// installed the service. The error wraps [ErrRolledBack] where the version before runs
// again, and [ErrBusy] where another upgrade is under way; where nothing was done it is what
// `upgrade` says.
func Upgrade(ctx context.Context, o UpgradeOptions) (UpgradeResult, error) {
	argv, err := o.argv()
	if err != nil {
		return UpgradeResult{}, fmt.Errorf("upgrade: %w", err)
	}
	out, err := native.System{}.Run(ctx, argv...)
	if ctx.Err() != nil {
		return UpgradeResult{}, fmt.Errorf("upgrade: it goes on without its caller: %w", context.Cause(ctx))
	}
	var r UpgradeResult
	if json.Unmarshal([]byte(out), &r) != nil || r.Result == "" {
		if failed, ok := errors.AsType[*platform.CommandError](err); ok && failed.Code == platform.ExitAlreadyRunning {
			err = fmt.Errorf("%w: %s", ErrBusy, strings.TrimSpace(failed.Stderr))
		} else if ok && failed.Stderr != "" {
			err = errors.New(strings.TrimSpace(failed.Stderr))
		}
		if err == nil {
			err = fmt.Errorf("%s told nothing", argv[0])
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
