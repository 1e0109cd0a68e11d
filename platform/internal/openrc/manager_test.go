package openrc_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
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
			gone: "stop | start\nrun rc-update del feedd default | rc-update add feedd default\n" +
				"remove-file " + file + "\nremove-dir /run/feedd",
		},
		"in runlevels of the administrator's, stopped": {
			files: map[string]string{file: ours}, links: "/etc/runlevels/night/feedd\n/etc/runlevels/day/feedd\n", code: 3,
			plan: "write-file " + file,
			gone: "stop\nrun rc-update del feedd day | rc-update add feedd day\n" +
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
			platform.Status{Phase: platform.PhaseReady, PID: 77, Restarts: 2, Text: "its supervise-daemon is gone: nothing would restart it; restart it by hand"},
		},
		"unsupervised and dead": {
			dead, 64,
			platform.Status{Phase: platform.PhaseFailed, Restarts: 1, Text: "its supervise-daemon is dead, too: nothing restarts it"},
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

// OpenRC does not start a service that it has started and that is dead now.
func TestStartOfTheDead(t *testing.T) {
	alive := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": ""}
	dead := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "78"}
	for name, tt := range map[string]struct {
		files map[string]string
		code  int
		does  string
	}{
		"stopped":                {map[string]string{file: ours}, 3, "start"},
		"starting for ever":      {dead, 8, "start"},
		"stopping for ever":      {dead, 4, "start"},
		"ended too often":        {map[string]string{file: ours, "/run/openrc/failed/feedd": ""}, 3, "start"},
		"started":                {alive, 0, ""},
		"waits for its restart":  {dead, 0, "restart"},
		"without its supervisor": {alive, 64, ""},
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

// A busy is a machine on which OpenRC is starting or stopping the service, for a number of
// queries.
type busy struct {
	initdtest.Machine
	then      int  // exit code of status afterwards
	sudden    bool // the operation begins just before ours
	questions *int
	done      *[]string
}

const exclusive = "stat -c %D %i /run/openrc/exclusive/feedd"

func (b busy) Run(ctx context.Context, argv ...string) (string, error) {
	line := strings.Join(argv, " ")
	action, asked := strings.CutPrefix(line, rc)
	switch {
	case line == exclusive:
		if b.sudden && len(*b.done) == 0 || *b.questions <= 0 {
			return "1a 77\n", nil // another file
		}
		*b.questions--
		return "1a 4711\n", nil
	case !asked:
		return b.Machine.Run(ctx, argv...)
	case action == "status":
		if b.then != 0 {
			return "", &platform.CommandError{Argv: argv, Code: b.then}
		}
		return "", nil
	}
	*b.done = append(*b.done, action)
	if *b.questions > 0 {
		return "", &platform.CommandError{Argv: argv, Code: 1, Stderr: "feedd is already starting"}
	}
	return "", nil
}

const locks = "1: FLOCK  ADVISORY  WRITE 12 00:1b:4711 0 EOF\n2: POSIX  ADVISORY  WRITE 12 00:1a:77 0 EOF\n2: -> FLOCK  ADVISORY  READ  13 00:1a:77 0 EOF\n3: FLOCK  ADVISORY  WRITE 12 00:1a:4711 0 EOF\n"

// OpenRC refuses everything while it starts or stops the service. A request in that time is
// carried out afterwards, even one of the service itself in its first moments. A request that
// waits in vain gets an error that says for what.
func TestWhatIsUnderWay(t *testing.T) {
	for name, tt := range map[string]struct {
		action string
		then   int
		sudden bool
		does   string
	}{
		"stop of what is being started":       {"stop", 0, false, "stop"},
		"restart of what is being started":    {"restart", 0, false, "restart"},
		"start of what is being started":      {"start", 0, false, ""},
		"start of what is being stopped":      {"start", 3, false, "start"},
		"stop of what is being stopped":       {"stop", 3, false, "stop"},
		"start, and somebody else is faster":  {"start", 3, true, "start start"},
		"restart, while somebody else begins": {"restart", 0, true, "restart restart"},
		"stop, while somebody else begins":    {"stop", 0, true, "stop stop"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": "", "/proc/locks": locks}
				questions, done := 5, []string(nil)
				m := openrc.New(busy{initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{find: {}}}, tt.then, tt.sudden, &questions, &done})
				do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart}[tt.action]
				if err := do(t.Context(), initdtest.ID); err != nil || questions > 0 || strings.Join(done, " ") != tt.does {
					t.Errorf("%v, %d questions left, did %q", err, questions, done)
				}
				questions = 1000
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, platform.ErrTimeout)
				defer cancel()
				err := do(ctx, initdtest.ID)
				if !errors.Is(err, platform.ErrTimeout) || !strings.Contains(err.Error(), tt.action+` "feedd": it is starting or stopping`) || questions < 900 {
					t.Errorf("%v, %d questions left", err, questions)
				}
			})
		})
	}
}

// If another request has reached the same state, ours succeeds although OpenRC has refused it.
// Records of a killed process do not block anything.
func TestDoneBySomebodyElse(t *testing.T) {
	alive := map[string]string{file: ours, "/run/openrc/options/feedd/child_pid": "77", "/proc/77": ""}
	for name, tt := range map[string]struct {
		action string
		code   int
		fails  int
		done   bool
	}{
		"start of what is stopped":           {"start", 3, 1, false},
		"stop of what is stopped":            {"stop", 3, 1, true},
		"stop of what is started":            {"stop", 0, 1, false},
		"restart of what is started":         {"restart", 0, 1, false},
		"start, and nobody says how":         {"start", 1, 1, false},
		"start of what is starting for ever": {"start", 8, 0, true},
		"stop of what is stopping for ever":  {"stop", 4, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]initdtest.Answer{rc + "status": {Code: tt.code}, rc + tt.action: {Code: tt.fails}, find: {}, exclusive: {Code: 1}}
			m := openrc.New(initdtest.Machine{Files: alive, Answers: answers})
			do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart}[tt.action]
			if err := do(t.Context(), initdtest.ID); (err == nil) != tt.done {
				t.Error(err)
			}
		})
	}
}

// The reason of a failure is found.
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
