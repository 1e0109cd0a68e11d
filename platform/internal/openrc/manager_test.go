package openrc_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
)

const (
	file = initdtest.Script
	ours = "#!/sbin/openrc-run\n# Made by holdfast: x\n"
	find = "find /etc/runlevels -name feedd"
	rc   = "rc-service --nocolor feedd "
)

func TestPlanAndRemoval(t *testing.T) {
	for name, tt := range map[string]struct {
		files      map[string]string
		links      string
		code       int
		plan, gone string
	}{
		"new": {
			files: map[string]string{"/etc/runlevels": ""},
			plan:  "write-file " + file + "\nrun rc-update add feedd default | rm -f /etc/runlevels/default/feedd",
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
			m := openrc.New(initdtest.Machine{Files: tt.files, Answers: map[string]initdtest.Answer{find: {Out: tt.links}, rc + "status": {Code: tt.code}}})
			plan, err := m.Plan(t.Context(), initdtest.Feedd())
			if got := initdtest.Steps(plan); err != nil || got != tt.plan {
				t.Errorf("plan: %v\n%s\nwant\n%s", err, got, tt.plan)
			}
			removal, err := m.Removal(t.Context(), initdtest.ID)
			if got := initdtest.Steps(removal); err != nil || got != tt.gone {
				t.Errorf("removal: %v\n%s\nwant\n%s", err, got, tt.gone)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	alive := map[string]string{
		file: ours, "/run/openrc/options/feedd/child_pid": "77", "/run/openrc/options/feedd/start_count": "2", "/proc/77": "",
	}
	dead := map[string]string{file: ours + "\t--retry x --respawn-delay 7 --respawn-max 3 --respawn-period 60 -- \\\n", "/run/openrc/options/feedd/child_pid": "78", "/run/openrc/options/feedd/start_count": "1"}
	never := maps.Clone(dead)
	never[file] += "\t--restart 'never' -- \\\n"
	failed := map[string]string{file: ours, "/run/openrc/failed/feedd": ""}
	for name, tt := range map[string]struct {
		files map[string]string
		code  int
		want  platform.Status
	}{
		"started": {alive, 0, platform.Status{Phase: platform.PhaseReady, PID: 77, Restarts: 2}},
		"waits for its restart": {dead, 0, platform.Status{
			Phase: platform.PhaseStarting, Restarts: 1, Next: &platform.NextTry{Delay: 7 * time.Second, Max: 3, Window: time.Minute},
		}},
		"is not restarted": {never, 0, platform.Status{Phase: platform.PhaseFailed, Restarts: 1}},
		"stopped":          {dead, 3, platform.Status{Phase: platform.PhaseStopped}},
		"ended too often":  {failed, 3, platform.Status{Phase: platform.PhaseFailed}},
		"stopping":         {alive, 4, platform.Status{Phase: platform.PhaseStopping, PID: 77, Restarts: 2}},
		"starting":         {alive, 8, platform.Status{Phase: platform.PhaseStarting, PID: 77, Restarts: 2}},
		"inactive":         {dead, 16, platform.Status{Phase: platform.PhaseStarting, Restarts: 1}},
		"crashed":          {dead, 32, platform.Status{Phase: platform.PhaseFailed, Restarts: 1}},
		"unsupervised": {
			alive, 64,
			platform.Status{Phase: platform.PhaseReady, PID: 77, Restarts: 2, Text: "its supervise-daemon is gone: nobody would start it again; restart it"},
		},
		"unsupervised and dead": {
			dead, 64,
			platform.Status{Phase: platform.PhaseFailed, Restarts: 1, Text: "its supervise-daemon is dead, too: nobody starts it again"},
		},
		"anything else": {dead, 1, platform.Status{Phase: platform.PhaseUnknown, Restarts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := openrc.New(initdtest.Machine{Files: tt.files, Answers: map[string]initdtest.Answer{find: {Out: "/etc/runlevels/default/feedd\n"}, rc + "status": {Code: tt.code}}})
			tt.want.Manager, tt.want.Installed, tt.want.Enabled = "openrc", true, true
			tt.want.Assumed = tt.want.Phase == platform.PhaseReady
			st, err := m.Status(t.Context(), initdtest.ID)
			if st.Definition == nil || !st.Definition.Ours {
				t.Errorf("definition %v", st.Definition)
			}
			st.Definition = nil
			if err != nil || !reflect.DeepEqual(st, tt.want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, st, tt.want)
			}
		})
	}
}

// OpenRC does not start what it has started, be it dead by now.
func TestStartOfTheDead(t *testing.T) {
	alive := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": ""}
	dead := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "78"}
	for name, tt := range map[string]struct {
		files map[string]string
		code  int
		does  string
	}{
		"stopped":                {map[string]string{file: ours}, 3, "start"},
		"ended too often":        {map[string]string{file: ours, "/run/openrc/failed/feedd": ""}, 3, "start"},
		"started":                {alive, 0, "start"},
		"starting":               {dead, 8, "start"},
		"stopping":               {dead, 4, "start"},
		"waits for its restart":  {dead, 0, "restart"},
		"without its supervisor": {alive, 64, "start"},
		"dead, too":              {dead, 64, "restart"},
		"crashed":                {map[string]string{file: ours}, 32, "restart"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]initdtest.Answer{rc + "status": {Code: tt.code}, rc + tt.does: {}}
			m := openrc.New(initdtest.Machine{Files: tt.files, Answers: answers})
			if err := m.Start(t.Context(), initdtest.ID); err != nil {
				t.Errorf("no %s: %v", tt.does, err)
			}
		})
	}
}

// What stands behind a failure.
func TestExplained(t *testing.T) {
	for name, tt := range map[string]struct {
		action   string
		statusIs int
		want     error
		says     string
	}{
		"not running": {action: "reload", statusIs: 3, want: platform.ErrNotRunning, says: "stopped"},
		"rejected":    {action: "reload", want: platform.ErrRejected, says: "it failed"},
		"not started": {action: "start", statusIs: 3, says: "see: tail"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": ""}
			answers := map[string]initdtest.Answer{rc + tt.action: {Code: 1}, rc + "status": {Code: tt.statusIs}}
			m := openrc.New(initdtest.Machine{Files: files, Answers: answers})
			do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "reload": m.Reload}
			err := do[tt.action](t.Context(), initdtest.ID)
			if err == nil || !errors.Is(err, tt.want) && tt.want != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v %s", err, tt.want, tt.says)
			}
		})
	}
}
