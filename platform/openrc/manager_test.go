package openrc_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/openrc"
)

const (
	file   = "/etc/init.d/feedd"
	ours   = "#!/sbin/openrc-run\n# Made by holdfast: x\n"
	theirs = "#!/sbin/openrc-run\n# Made by somebody\n"
	find   = "find /etc/runlevels -name feedd"
	rc     = "rc-service --nocolor feedd "
)

var id = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}

// steps are the plan in short.
func steps(steps []platform.Step) string {
	var lines []string
	for _, s := range steps {
		line := string(s.Kind) + " " + s.Path + strings.Join(s.Argv, " ")
		if s.Undo != nil {
			line += " | " + strings.Join(s.Undo, " ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestPlanAndRemoval(t *testing.T) {
	for name, tt := range map[string]struct {
		files      map[string]string
		links      string
		code       int
		plan, gone string
	}{
		"new": {
			files: map[string]string{"/etc/runlevels": ""},
			plan:  "write-file " + file + "\nrun rc-update add feedd default | rc-update del feedd default",
		},
		"again, running": {
			files: map[string]string{file: ours}, links: "/etc/runlevels/default/feedd\n",
			plan: "write-file " + file,
			gone: "run " + rc + "stop | " + rc + "start\nrun rc-update del feedd default | rc-update add feedd default\n" +
				"remove-file " + file + "\nremove-dir /run/feedd",
		},
		"in runlevels of the administrator's, stopped": {
			files: map[string]string{file: ours}, links: "/etc/runlevels/night/feedd\n/etc/runlevels/day/feedd\n", code: 3,
			plan: "write-file " + file,
			gone: "run " + rc + "stop\nrun rc-update del feedd day | rc-update add feedd day\n" +
				"run rc-update del feedd night | rc-update add feedd night\nremove-file " + file + "\nremove-dir /run/feedd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := openrc.New(machine{tt.files, map[string]answer{find: {tt.links, 0}, rc + "status": {"", tt.code}}})
			plan, err := m.Plan(t.Context(), feedd())
			if got := steps(plan); err != nil || got != tt.plan {
				t.Errorf("plan: %v\n%s\nwant\n%s", err, got, tt.plan)
			}
			removal, err := m.Removal(t.Context(), id)
			if got := steps(removal); err != nil || got != tt.gone {
				t.Errorf("removal: %v\n%s\nwant\n%s", err, got, tt.gone)
			}
		})
	}
}

func TestPlanRefused(t *testing.T) {
	m := openrc.New(machine{files: map[string]string{file: theirs}})
	if _, err := m.Plan(t.Context(), feedd()); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("plan over a foreign script: %v", err)
	}
	if _, err := m.Removal(t.Context(), id); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("removal of a foreign script: %v", err)
	}
	u := feedd()
	u.Requires = []string{"nobody", "network"}
	m = openrc.New(machine{files: map[string]string{"/etc/runlevels": ""}})
	if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("requirement that is not there: %v", err)
	}
	if _, err := openrc.New(machine{}).Plan(t.Context(), u); err != nil {
		t.Errorf("required on another machine, perhaps: %v", err)
	}
}

func TestStatus(t *testing.T) {
	alive := map[string]string{
		file: ours, "/run/openrc/options/feedd/child_pid": "77", "/run/openrc/options/feedd/start_count": "2", "/proc/77": "",
	}
	dead := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "78", "/run/openrc/options/feedd/start_count": "1"}
	failed := map[string]string{file: ours, "/run/openrc/failed/feedd": ""}
	for name, tt := range map[string]struct {
		files map[string]string
		code  int
		want  platform.Status
	}{
		"started":               {alive, 0, platform.Status{Phase: platform.PhaseReady, PID: 77, Restarts: 2}},
		"waits for its restart": {dead, 0, platform.Status{Phase: platform.PhaseStarting, Restarts: 1}},
		"stopped":               {dead, 3, platform.Status{Phase: platform.PhaseStopped}},
		"ended too often":       {failed, 3, platform.Status{Phase: platform.PhaseFailed}},
		"stopping":              {alive, 4, platform.Status{Phase: platform.PhaseStopping, PID: 77, Restarts: 2}},
		"starting":              {alive, 8, platform.Status{Phase: platform.PhaseStarting, PID: 77, Restarts: 2}},
		"inactive":              {dead, 16, platform.Status{Phase: platform.PhaseStarting, Restarts: 1}},
		"crashed":               {dead, 32, platform.Status{Phase: platform.PhaseFailed, Restarts: 1}},
		"unsupervised": {
			alive, 64,
			platform.Status{Phase: platform.PhaseReady, PID: 77, Restarts: 2, Text: "its supervise-daemon is gone: nobody would start it again; restart it"},
		},
		"anything else": {dead, 1, platform.Status{Phase: platform.PhaseUnknown, Restarts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := openrc.New(machine{tt.files, map[string]answer{find: {"/etc/runlevels/default/feedd\n", 0}, rc + "status": {"", tt.code}}})
			tt.want.Manager, tt.want.Installed, tt.want.Enabled = "openrc", true, true
			if st, err := m.Status(t.Context(), id); err != nil || st != tt.want {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, st, tt.want)
			}
		})
	}
	st, err := openrc.New(machine{}).Status(t.Context(), id)
	if err != nil || st != (platform.Status{Manager: "openrc", Phase: platform.PhaseStopped}) {
		t.Errorf("absent: %+v, %v", st, err)
	}
}

func TestControl(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx            context.Context
		files          map[string]string
		action         string
		code, statusIs int
		want           error
		says           string
	}{
		"start":       {action: "start"},
		"stop":        {action: "stop"},
		"restart":     {action: "restart"},
		"reload":      {action: "reload"},
		"failed":      {action: "start", code: 1, statusIs: 3, says: "see: tail -n 20 /var/log/feedd/output.log"},
		"not running": {action: "reload", code: 1, statusIs: 3, want: platform.ErrNotRunning},
		"rejected":    {action: "reload", code: 1, want: platform.ErrRejected},
		"absent":      {files: map[string]string{}, action: "start", want: platform.ErrNotInstalled},
		"foreign":     {files: map[string]string{file: theirs}, action: "start", want: platform.ErrPermission},
		"interrupted": {ctx: ended, action: "start", want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			if tt.files == nil {
				tt.files = map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": ""}
			}
			m := openrc.New(machine{tt.files, map[string]answer{rc + tt.action: {"", tt.code}, rc + "status": {"", tt.statusIs}}})
			do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload}
			err := do[tt.action](tt.ctx, id)
			switch {
			case tt.want == nil && tt.says == "" && err != nil, (tt.want != nil || tt.says != "") && err == nil:
				t.Errorf("got %v", err)
			case tt.want != nil && !errors.Is(err, tt.want), tt.says != "" && !strings.Contains(err.Error(), tt.says):
				t.Errorf("got %v, want %v %s", err, tt.want, tt.says)
			}
		})
	}
}

func TestLogs(t *testing.T) {
	m := openrc.New(machine{})
	for _, tt := range []struct {
		n      int
		follow bool
		want   string
	}{
		{20, false, "tail -n 20 /var/log/feedd/output.log"},
		{-1, true, "tail -n +1 -F /var/log/feedd/output.log"},
	} {
		if got := m.Logs(id, tt.n, tt.follow); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("got %q, want %s", got, tt.want)
		}
	}
}
