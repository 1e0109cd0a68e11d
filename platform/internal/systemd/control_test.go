package systemd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

type verb func(*systemd.Manager, context.Context, platform.ID) error

func TestControl(t *testing.T) {
	start, stop, restart, reload := verb((*systemd.Manager).Start), verb((*systemd.Manager).Stop), verb((*systemd.Manager).Restart), verb((*systemd.Manager).Reload)
	for _, tt := range []struct {
		name  string
		do    verb
		verb  string
		code  int
		state string
		want  error  // nil: any, unless word is empty too
		word  string // in the error
	}{
		{name: "start", do: start, verb: "start"},
		{name: "stop", do: stop, verb: "stop"},
		{name: "restart", do: restart, verb: "restart"},
		{name: "reload", do: reload, verb: "reload"},
		{name: "start of nothing", do: start, verb: "start", code: 5, state: "absent", want: platform.ErrNotInstalled, word: "start \"feedd\""},
		{name: "reload of nothing", do: reload, verb: "reload", code: 5, state: "absent", want: platform.ErrNotInstalled, word: "feedd"},
		{name: "not permitted", do: stop, verb: "stop", code: 4, state: "active", want: platform.ErrPermission, word: "it failed"},
		{name: "start fails", do: start, verb: "start", code: 1, state: "failed-78", word: "exit code 78: its configuration cannot be used); see: journalctl --no-pager -u feedd.service -n 20"},
		{name: "killed in start", do: start, verb: "start", code: 1, state: "waiting-to-restart", word: "killed by SIGKILL"},
		{name: "start takes too long", do: start, verb: "start", code: 1, state: "failed-timeout", want: platform.ErrTimeout, word: "journalctl"},
		{name: "a bad unit", do: start, verb: "start", code: 1, state: "bad", word: "bad-setting"},
		{name: "what it requires fails", do: start, verb: "start", code: 1, state: "inactive", word: "it failed"},
		{name: "reload rejected", do: reload, verb: "reload", code: 1, state: "rejected", want: platform.ErrRejected, word: "journalctl"},
		{name: "reload of what is stopped", do: reload, verb: "reload", code: 1, state: "stopped", want: platform.ErrNotRunning, word: "inactive"},
		{name: "reload of what failed", do: reload, verb: "reload", code: 1, state: "failed-78", want: platform.ErrNotRunning, word: "failed"},
		{name: "reload fails without a reason", do: reload, verb: "reload", code: 1, state: "active", word: "it failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, version string) {
				state := tt.state
				if state == "" {
					state = "active"
				}
				sys := inState(t, version, state)
				command := ctl + tt.verb + " feedd.service"
				sys.answers[command] = answer{code: tt.code}
				err := tt.do(systemd.New(sys, systemd.Options{}), t.Context(), feeddID)
				switch {
				case !sys.did(command):
					t.Errorf("did not run %q: %q", command, sys.ran)
				case tt.code == 0 && err != nil:
					t.Error(err)
				case tt.code != 0 && (err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.word)):
					t.Errorf("error %v, want %v with %q", err, tt.want, tt.word)
				}
				forgiven := sys.did(ctl + "reset-failed feedd.service")
				if asked := tt.verb == "start" || tt.verb == "restart"; forgiven != asked {
					t.Errorf("reset-failed: %t, want %t", forgiven, asked)
				}
			})
		})
	}
}

func TestReloadResults(t *testing.T) {
	for out, want := range map[string]error{
		"ActiveState=active\nReloadResult=timeout\nCanReload=yes\n":   platform.ErrTimeout,
		"ActiveState=active\nReloadResult=exit-code\nCanReload=yes\n": platform.ErrRejected,
		"ActiveState=active\nReloadResult=success\nCanReload=no\n":    platform.ErrUnsupported,
	} {
		sys := &machine{answers: map[string]answer{
			show + "feedd.service":       {out: "LoadState=loaded\nFragmentPath=" + feeddFile + "\n" + out},
			ctl + "reload feedd.service": {code: 1},
		}}
		if err := systemd.New(sys, systemd.Options{}).Reload(t.Context(), feeddID); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", out, err, want)
		}
	}
}

func TestControlDeadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	err := systemd.New(&machine{}, systemd.Options{}).Stop(ctx, feeddID)
	if !errors.Is(err, platform.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := systemd.New(&machine{}, systemd.Options{}).Status(ctx, feeddID); !errors.Is(err, platform.ErrTimeout) {
		t.Error(err)
	}
}

// A name that could change a command line is never used in one.
func TestControlBadName(t *testing.T) {
	sys := &machine{}
	m := systemd.New(sys, systemd.Options{})
	for _, id := range []platform.ID{
		{Name: "--now", Scope: platform.ScopeSystem}, {Name: "a b", Scope: platform.ScopeUser}, {Name: "a", Instance: "/", Scope: platform.ScopeUser}, {Name: "a"},
	} {
		_, err := m.Status(t.Context(), id)
		if err = errors.Join(err); !errors.Is(err, platform.ErrBadUnit) || !errors.Is(m.Start(t.Context(), id), platform.ErrBadUnit) {
			t.Errorf("%+v: %v", id, err)
		}
	}
	if len(sys.ran) > 0 {
		t.Errorf("ran %q", sys.ran)
	}
}
