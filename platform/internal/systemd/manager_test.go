package systemd_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

const (
	feeddFile = "/etc/systemd/system/feedd.service"
	ours      = "# Made by holdfast: x\n[Service]\n"
)

// lines returns a plan in short form.
func lines(steps []platform.Step) []string {
	var told []string
	for _, s := range steps {
		line := string(s.Kind) + " " + s.Path + strings.Join(s.Argv, " ")
		if s.Undo != nil {
			line += " <- " + strings.Join(s.Undo, " ")
		}
		if s.MayFail {
			line += " ?"
		}
		told = append(told, line)
	}
	return told
}

func TestPlan(t *testing.T) {
	user := "systemctl --user --no-pager --no-ask-password "
	for _, tt := range []struct {
		name  string
		state string // recorded; empty: no systemd answers
		files map[string]string
		unit  func(*platform.Unit)
		want  []string
		kind  string // Type=
	}{
		{
			name: "first time", state: "absent", kind: "notify-reload",
			want: []string{
				"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
				"write-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "enable feedd.service <- " + ctl + "disable feedd.service",
			},
		},
		{
			name: "directories of its own", state: "absent", kind: "notify-reload", files: map[string]string{"/srv/there": ""},
			unit: func(u *platform.Unit) { u.User, u.RuntimeDir, u.StateDir = "feed", "/srv/there", "/srv/new" },
			want: []string{
				"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
				"run install -d -m 0755 -o feed /srv/new",
				"write-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "enable feedd.service <- " + ctl + "disable feedd.service",
			},
		},
		{
			name: "again", state: "active", files: map[string]string{feeddFile: ours}, kind: "notify-reload",
			want: []string{
				"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
				"write-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "reenable feedd.service",
			},
		},
		{
			name: "for an older systemd", state: "absent", kind: "notify",
			unit: func(u *platform.Unit) { u.Systemd.Version = 252 },
			want: []string{
				"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
				"write-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "enable feedd.service <- " + ctl + "disable feedd.service",
			},
		},
		{
			name: "for another machine", kind: "notify",
			unit: func(u *platform.Unit) { u.Instance = "west" },
			want: []string{
				"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
				"write-file /etc/systemd/system/feedd@west.service",
				"run " + ctl + "daemon-reload",
				"run " + ctl + "enable feedd@west.service <- " + ctl + "disable feedd@west.service",
			},
		},
		{
			name: "for a user", kind: "notify",
			unit: func(u *platform.Unit) { u.Scope = platform.ScopeUser },
			want: []string{
				"run " + user + "show --property=Version <- " + user + "daemon-reload",
				"run mkdir -p /home/ann/.config/systemd/user",
				"write-file /home/ann/.config/systemd/user/feedd.service",
				"run " + user + "daemon-reload",
				"run " + user + "enable feedd.service <- " + user + "disable feedd.service",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sys := &machine{}
			if tt.state != "" {
				sys = inState(t, "257", tt.state)
			}
			sys.files = tt.files
			u := feedd()
			if tt.unit != nil {
				tt.unit(&u)
			}
			m := systemd.New(sys, systemd.Options{Home: "/home/ann"})
			steps, err := m.Plan(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(steps); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("steps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, s := range steps {
				if s.Describe == "" {
					t.Errorf("step without a word: %+v", s)
				}
				if s.Kind != platform.StepWriteFile {
					continue
				}
				if s.Mode != 0o644 || !strings.Contains(string(s.Content), "Type="+tt.kind+"\n") {
					t.Errorf("mode %v, want Type=%s in\n%s", s.Mode, tt.kind, s.Content)
				}
			}
			if again, err := m.Plan(t.Context(), u); err != nil || !reflect.DeepEqual(again, steps) {
				t.Errorf("the same question has another answer: %v, %v", again, err)
			}
		})
	}
}

func TestPlanConfigHome(t *testing.T) {
	u := feedd()
	u.Scope = platform.ScopeUser
	sys := &machine{files: map[string]string{"/cfg/systemd/user": ""}}
	steps, err := systemd.New(sys, systemd.Options{Home: "/home/ann", ConfigHome: "/cfg"}).Plan(t.Context(), u)
	if err != nil || len(steps) != 4 || steps[1].Path != "/cfg/systemd/user/feedd.service" {
		t.Errorf("steps %v, %v", lines(steps), err)
	}
	if steps, err := systemd.New(sys, systemd.Options{}).Plan(t.Context(), u); err == nil {
		t.Errorf("no home, and yet: %v", lines(steps))
	}
}

func TestPlanRefuses(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name  string
		state string
		files map[string]string
		unit  func(*platform.Unit)
		ctx   context.Context
		want  error
		word  string
	}{
		{name: "a unit by hand", state: "active", files: map[string]string{feeddFile: "[Service]\n"}, want: platform.ErrPermission, word: feeddFile},
		{name: "a unit of the distribution", state: "shipped", want: platform.ErrPermission, word: "systemd-logind.service"},
		{name: "masked", state: "masked", files: map[string]string{feeddFile: ""}, want: platform.ErrPermission, word: "systemctl unmask feedd.service"},
		{name: "bad name", state: "absent", unit: func(u *platform.Unit) { u.Name = "../x" }, want: platform.ErrBadUnit, word: "../x"},
		{name: "bad unit", state: "absent", unit: func(u *platform.Unit) { u.User = "a b" }, want: platform.ErrBadUnit, word: "user"},
		{name: "gone after a reboot", state: "absent", unit: func(u *platform.Unit) { u.RuntimeDir = "/run/mine" }, want: platform.ErrBadUnit, word: "reboot"},
		{name: "no patience", state: "absent", ctx: canceled, want: context.Canceled, word: "feedd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sys := inState(t, "257", tt.state)
			sys.files = tt.files
			u := feedd()
			if tt.unit != nil {
				tt.unit(&u)
			}
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			steps, err := systemd.New(sys, systemd.Options{}).Plan(ctx, u)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("error %v, want %v with %q; steps %v", err, tt.want, tt.word, lines(steps))
			}
		})
	}
}

func TestRemoval(t *testing.T) {
	onBoth(t, func(t *testing.T, version string) {
		for _, tt := range []struct {
			state string
			want  []string
		}{
			{"active", []string{
				"run " + ctl + "stop feedd.service <- " + ctl + "start feedd.service",
				"run " + ctl + "disable feedd.service <- " + ctl + "enable feedd.service",
				"remove-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "reset-failed feedd.service ?",
				"remove-dir /run/feedd",
				"run rmdir --ignore-fail-on-non-empty /var/lib/feedd /var/log/feedd /etc/feedd ?",
			}},
			{"disabled", []string{
				"run " + ctl + "stop feedd.service",
				"run " + ctl + "disable feedd.service <- " + ctl + "daemon-reload",
				"remove-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "reset-failed feedd.service ?",
				"remove-dir /run/feedd",
			}},
			// systemd would answer a stop with an error: it has not loaded the unit.
			{"bad", []string{
				"run " + ctl + "disable feedd.service <- " + ctl + "daemon-reload",
				"remove-file " + feeddFile,
				"run " + ctl + "daemon-reload",
				"run " + ctl + "reset-failed feedd.service ?",
				"remove-dir /run/feedd",
			}},
		} {
			t.Run(tt.state, func(t *testing.T) {
				sys := inState(t, version, tt.state)
				sys.files = map[string]string{feeddFile: ours}
				if tt.state == "active" {
					sys.files["/var/lib/feedd"], sys.files["/var/log/feedd"], sys.files["/etc/feedd"] = "", "", ""
				}
				steps, err := systemd.New(sys, systemd.Options{}).Removal(t.Context(), feeddID)
				if err != nil {
					t.Fatal(err)
				}
				if got := lines(steps); !reflect.DeepEqual(got, tt.want) {
					t.Errorf("steps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		}
	})
}

func TestRemovalRefuses(t *testing.T) {
	sys := inState(t, "257", "active")
	m := systemd.New(sys, systemd.Options{})
	if steps, err := m.Removal(t.Context(), feeddID); err != nil || steps != nil {
		t.Errorf("not installed: %v, %v", lines(steps), err)
	}
	sys.files = map[string]string{feeddFile: "[Service]\n"}
	if steps, err := m.Removal(t.Context(), feeddID); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("a unit by hand: %v, %v", lines(steps), err)
	}
	// Its runtime directory is everybody's.
	if steps, err := m.Removal(t.Context(), platform.ID{Name: "systemd", Scope: platform.ScopeSystem}); !errors.Is(err, platform.ErrBadUnit) {
		t.Errorf("a name of the system: %v, %v", lines(steps), err)
	}
	sys = &machine{files: map[string]string{feeddFile: ours}}
	if steps, err := systemd.New(sys, systemd.Options{}).Removal(t.Context(), feeddID); err == nil {
		t.Errorf("systemd does not answer, and yet: %v", lines(steps))
	}
}

func TestRemovalOfUser(t *testing.T) {
	user := "systemctl --user --no-pager --no-ask-password "
	id := platform.ID{Name: "feedd", Instance: "west", Scope: platform.ScopeUser}
	sys := &machine{
		files: map[string]string{"/home/ann/.config/systemd/user/feedd@west.service": ours},
		answers: map[string]answer{
			user + "show --timestamp=unix --property=" + properties + " feedd@west.service": {out: "LoadState=loaded\nActiveState=inactive\n"},
		},
	}
	for runtime, last := range map[string]string{
		"/run/user/7": "remove-dir /run/user/7/feedd@west",
		"":            "run " + user + "reset-failed feedd@west.service ?",
	} {
		steps, err := systemd.New(sys, systemd.Options{Home: "/home/ann", RuntimeDir: runtime}).Removal(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(steps); got[len(got)-1] != last {
			t.Errorf("last step of %v, want %q", got, last)
		}
	}
}

func TestLogs(t *testing.T) {
	m := systemd.New(&machine{}, systemd.Options{})
	user := feeddID
	user.Scope = platform.ScopeUser
	for _, tt := range []struct {
		id     platform.ID
		n      int
		follow bool
		want   string
	}{
		{feeddID, 20, false, "journalctl --no-pager -u feedd.service -n 20"},
		{feeddID, 0, true, "journalctl --no-pager -u feedd.service -n 0 -f"},
		{user, -1, false, "journalctl --user --no-pager -u feedd.service -n all"},
	} {
		if got := strings.Join(m.Logs(tt.id, tt.n, tt.follow), " "); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
