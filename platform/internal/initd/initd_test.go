package initd_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
)

// A room is a manager's package, with what initd leaves to it.
type room struct {
	render  func(platform.Unit) ([]byte, error)
	manager func(platform.System) platform.Manager
	action  string // its command line for an action, without the action
}

func rooms() map[string]room {
	return map[string]room{
		"sysv":   {sysv.Render, func(s platform.System) platform.Manager { return sysv.New(s) }, initdtest.Script + " "},
		"openrc": {openrc.Render, func(s platform.System) platform.Manager { return openrc.New(s) }, "rc-service --nocolor feedd "},
	}
}

func each(t *testing.T, fn func(t *testing.T, r room)) {
	t.Helper()
	for name, r := range rooms() {
		t.Run(name, func(t *testing.T) { fn(t, r) })
	}
}

// No room accepts these units. The error names the settings.
func TestRefused(t *testing.T) {
	limits := platform.Limits{Memory: 1, Tasks: 2, CPU: 3, Nice: 20}
	for name, tt := range map[string]struct {
		change func(*platform.Unit)
		fields []string
	}{
		"user scope":        {func(u *platform.Unit) { u.Scope = platform.ScopeUser }, []string{`scope "user": this manager has no user services`}},
		"no scope":          {func(u *platform.Unit) { u.Scope = "" }, []string{"scope"}},
		"odd name":          {func(u *platform.Unit) { u.Name = "a;b" }, []string{"name"}},
		"name with path":    {func(u *platform.Unit) { u.Name = "../x" }, []string{"name"}},
		"odd instance":      {func(u *platform.Unit) { u.Instance = "a b" }, []string{"name"}},
		"taken name":        {func(u *platform.Unit) { u.Name = "lock" }, []string{"name"}},
		"limits":            {func(u *platform.Unit) { u.Limits = limits }, []string{"limits.memory", "limits.tasks", "limits.cpu", "limits.nice"}},
		"capabilities":      {func(u *platform.Unit) { u.User = "feed"; u.Hardening.Capabilities = []string{"CAP_CHOWN"} }, []string{"hardening.capabilities"}},
		"odd accounts":      {func(u *platform.Unit) { u.User, u.Group = "a:b", "-g" }, []string{"user", "group"}},
		"odd groups":        {func(u *platform.Unit) { u.Hardening.SupplementaryGroups = []string{"a,b"} }, []string{"supplementary_groups"}},
		"relative paths":    {func(u *platform.Unit) { u.WorkingDirectory, u.Exec = "srv", []string{"feedd"} }, []string{"working_directory", "command"}},
		"no commands":       {func(u *platform.Unit) { u.Exec, u.Commands, u.Reload = nil, platform.Commands{}, nil }, []string{"command", "status command", "supervise command", "reload command"}},
		"NUL":               {func(u *platform.Unit) { u.Exec = append(u.Exec, "a\x00b") }, []string{"command"}},
		"NUL in a command":  {func(u *platform.Unit) { u.Commands.Stop = append(u.Commands.Stop, "a\x00b") }, []string{"stop command"}},
		"no text":           {func(u *platform.Unit) { u.Env = map[string]string{"A": "\xff"} }, []string{"env"}},
		"odd variable":      {func(u *platform.Unit) { u.Env = map[string]string{"A B": ""} }, []string{"env"}},
		"the shell's own":   {func(u *platform.Unit) { u.Env = map[string]string{"PPID": "1"} }, []string{"env"}},
		"two lines":         {func(u *platform.Unit) { u.Description = "a\n### END INIT INFO" }, []string{"description"}},
		"unit of systemd":   {func(u *platform.Unit) { u.After = []string{"multi-user.target"} }, []string{"after"}},
		"odd requirement":   {func(u *platform.Unit) { u.Requires = []string{"a b"} }, []string{"requires"}},
		"odd policy":        {func(u *platform.Unit) { u.Restart.Policy = "sometimes" }, []string{"restart.policy"}},
		"negative maximum":  {func(u *platform.Unit) { u.Restart.Max = -2 }, []string{"restart.max"}},
		"relative own dirs": {func(u *platform.Unit) { u.RuntimeDir, u.StateDir = "run", "state" }, []string{"runtime directory", "state directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r room) {
				u := initdtest.Feedd()
				tt.change(&u)
				_, err := r.render(u)
				if !errors.Is(err, platform.ErrBadUnit) {
					t.Fatalf("got %v", err)
				}
				for _, field := range tt.fields {
					if !strings.Contains(err.Error(), field) {
						t.Errorf("%v does not name %s", err, field)
					}
				}
			})
		})
	}
}

// Errors do not contain secrets.
func TestErrorsKeepSecrets(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		u := initdtest.Feedd()
		u.Env = map[string]string{"A-B": "hunter2", "C": "hunter2\xff"}
		if _, err := r.render(u); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	})
}

func TestPlanRefused(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		m := r.manager(initdtest.Machine{Files: map[string]string{initdtest.Script: initdtest.Theirs}})
		if _, err := m.Plan(t.Context(), initdtest.Feedd()); !errors.Is(err, platform.ErrPermission) {
			t.Errorf("plan over a foreign script: %v", err)
		}
		if _, err := m.Removal(t.Context(), initdtest.ID); !errors.Is(err, platform.ErrPermission) {
			t.Errorf("removal of a foreign script: %v", err)
		}
		u := initdtest.Feedd()
		u.Requires = []string{"nobody", "network"}
		m = r.manager(initdtest.Machine{Files: map[string]string{"/etc/init.d": "", "/etc/runlevels": ""}})
		_, err := m.Plan(t.Context(), u)
		if !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), `"nobody"`) || strings.Contains(err.Error(), `"network"`) {
			t.Errorf("requirement that is not there: %v", err)
		}
		if _, err := r.manager(initdtest.Machine{}).Plan(t.Context(), u); err != nil {
			t.Errorf("required on another machine, perhaps: %v", err)
		}
		for _, bad := range []platform.ID{{Name: "../x", Scope: platform.ScopeSystem}, {Name: "x"}, {Name: "x", Scope: platform.ScopeUser}} {
			if _, err := m.Removal(t.Context(), bad); !errors.Is(err, platform.ErrBadUnit) {
				t.Errorf("removal of %v: %v", bad, err)
			}
			if err := m.Stop(t.Context(), bad); !errors.Is(err, platform.ErrBadUnit) {
				t.Errorf("stop of %v: %v", bad, err)
			}
		}
	})
}

// A service that does not exist has no steps, and is not an error.
func TestAbsent(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		m := r.manager(initdtest.Machine{})
		if steps, err := m.Removal(t.Context(), initdtest.ID); err != nil || steps != nil {
			t.Errorf("removal: %v, %v", steps, err)
		}
		st, err := m.Status(t.Context(), initdtest.ID)
		if err != nil || st != (platform.Status{Manager: m.Name(), Phase: platform.PhaseStopped}) {
			t.Errorf("status: %+v, %v", st, err)
		}
	})
}

func TestControl(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		script string // empty: one of holdfast
		code   int
		want   error
		says   string
	}{
		"done":        {},
		"failed":      {code: 1, says: "see: tail -n 20 /var/log/feedd/output.log"},
		"absent":      {script: "none", want: platform.ErrNotInstalled},
		"foreign":     {script: initdtest.Theirs, want: platform.ErrPermission},
		"interrupted": {ctx: ended, want: context.Canceled},
		"too late":    {ctx: late, want: platform.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r room) {
				script, err := r.render(initdtest.Feedd())
				if err != nil {
					t.Fatal(err)
				}
				files := map[string]string{initdtest.Script: string(script)}
				switch tt.script {
				case "":
				case "none":
					files = nil
				default:
					files[initdtest.Script] = tt.script
				}
				ctx := tt.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				answers := map[string]initdtest.Answer{}
				for _, action := range []string{"start", "stop", "restart", "reload"} {
					answers[r.action+action] = initdtest.Answer{Code: tt.code}
				}
				m := r.manager(initdtest.Machine{Files: files, Answers: answers})
				do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart}
				if tt.code == 0 { // for other codes the rooms differ
					do["reload"] = m.Reload
				}
				for action, fn := range do {
					err := fn(ctx, initdtest.ID)
					switch {
					case tt.want == nil && tt.says == "" && err != nil:
						t.Errorf("%s: %v", action, err)
					case !errors.Is(err, tt.want) && tt.want != nil, tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
						t.Errorf("%s: got %v, want %v %s", action, err, tt.want, tt.says)
					}
				}
			})
		})
	}
}

func TestLogs(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		m := r.manager(initdtest.Machine{})
		for _, tt := range []struct {
			n      int
			follow bool
			want   string
		}{
			{20, false, "tail -n 20 /var/log/feedd/output.log"},
			{-1, true, "tail -n +1 -F /var/log/feedd/output.log"},
		} {
			if got := m.Logs(initdtest.ID, tt.n, tt.follow); !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		}
	})
}

// For every unit the script is one that a shell can parse, or the unit is refused.
func FuzzRender(f *testing.F) {
	f.Add("a b", "it's", "x")
	f.Add("$(touch /tmp/x)`id`", "\n'\\", "@OUTPUT@ @MAKE@")
	f.Fuzz(func(t *testing.T, arg, value, description string) {
		for _, r := range rooms() {
			u := initdtest.Feedd()
			u.Exec, u.Env, u.Description = append(u.Exec, arg), map[string]string{"A": value}, description
			script, err := r.render(u)
			if err != nil {
				continue
			}
			initdtest.Judge(t, script, "dash")
			// Quoting cannot add another end to the LSB header.
			if n := strings.Count(string(script), "\n### END INIT INFO\n"); n > 1 {
				t.Errorf("%d headers of %q:\n%s", n, description, script)
			}
		}
	})
}
