package sysv_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/sysv"
)

const (
	file   = "/etc/init.d/feedd"
	ours   = "#!/bin/sh\n# Made by holdfast: x\n"
	theirs = "#!/bin/sh\n# Made by somebody\n"
	find   = "find /etc/rc0.d/ /etc/rc1.d/ /etc/rc2.d/ /etc/rc3.d/ /etc/rc4.d/ /etc/rc5.d/ /etc/rc6.d/ -name [SK][0-9][0-9]feedd"
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
	const (
		links   = "/etc/rc2.d/S03feedd\n/etc/rc0.d/K01feedd\n"
		running = `{"phase":"ready","pid":7,"started_by":"sysv"}`
	)
	with := func(files ...string) map[string]string {
		m := map[string]string{"/etc/init.d": ""}
		for _, f := range files {
			m[f] = ours
		}
		return m
	}
	for name, tt := range map[string]struct {
		files      map[string]string
		links      string
		status     answer
		plan, gone string
	}{
		"Debian, new": {
			files: with("/usr/sbin/update-rc.d", "/usr/sbin/insserv"),
			plan:  "write-file " + file + "\nrun /usr/sbin/update-rc.d feedd defaults | /usr/sbin/update-rc.d -f feedd remove",
		},
		"Debian, again": {
			files: with("/usr/sbin/update-rc.d", file), links: links, status: answer{running, 0},
			plan: "write-file " + file + "\nrun /usr/sbin/update-rc.d feedd defaults",
			gone: "run " + file + " stop | " + file + " start\nrun /usr/sbin/update-rc.d -f feedd remove | /usr/sbin/update-rc.d feedd defaults\n" +
				"remove-file " + file + "\nremove-dir /run/feedd",
		},
		"Red Hat": {
			files: with("/sbin/chkconfig", file), links: links, status: answer{`{"phase":"stopped"}`, 3},
			plan: "write-file " + file + "\nrun /sbin/chkconfig --add feedd",
			gone: "run " + file + " stop\nrun /sbin/chkconfig --del feedd | /sbin/chkconfig --add feedd\nremove-file " + file + "\nremove-dir /run/feedd",
		},
		"insserv alone": {
			files: with("/sbin/insserv"),
			plan:  "write-file " + file + "\nrun /sbin/insserv feedd | /sbin/insserv -r feedd",
		},
		"by hand": {
			files: with(file, "/etc/rc0.d", "/etc/rc2.d"), status: answer{"", 4}, // its program is gone
			plan: "write-file " + file + "\n" +
				"run ln -sfn ../init.d/feedd /etc/rc0.d/K10feedd | rm -f /etc/rc0.d/K10feedd\n" +
				"run ln -sfn ../init.d/feedd /etc/rc2.d/S90feedd | rm -f /etc/rc2.d/S90feedd",
			gone: "remove-file " + file + "\nremove-dir /run/feedd",
		},
		"by hand, again": {
			files: with(file, "/etc/rc0.d", "/etc/rc2.d"), links: links, status: answer{running, 0},
			plan: "write-file " + file,
			gone: "run " + file + " stop | " + file + " start\n" +
				"run rm -f /etc/rc0.d/K01feedd | ln -sfn ../init.d/feedd /etc/rc0.d/K01feedd\n" +
				"run rm -f /etc/rc2.d/S03feedd | ln -sfn ../init.d/feedd /etc/rc2.d/S03feedd\nremove-file " + file + "\nremove-dir /run/feedd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := sysv.New(machine{tt.files, map[string]answer{find: {tt.links, 1}, file + " status --json": tt.status}})
			plan, err := m.Plan(t.Context(), feedd())
			if got := steps(plan); err != nil || got != tt.plan {
				t.Errorf("plan: %v\n%s\nwant\n%s", err, got, tt.plan)
			}
			if plan[0].Mode != 0o755 {
				t.Errorf("mode of the script: %04o", plan[0].Mode)
			}
			removal, err := m.Removal(t.Context(), id)
			if got := steps(removal); err != nil || got != tt.gone {
				t.Errorf("removal: %v\n%s\nwant\n%s", err, got, tt.gone)
			}
		})
	}
}

// A plan for another machine has links in all runlevels.
func TestPlanElsewhere(t *testing.T) {
	plan, err := sysv.New(machine{}).Plan(t.Context(), feedd())
	if err != nil || len(plan) != 8 {
		t.Fatalf("%v\n%s", err, steps(plan))
	}
	u := feedd()
	u.Requires = []string{"nobody"}
	if _, err := sysv.New(machine{}).Plan(t.Context(), u); err != nil {
		t.Errorf("required there, perhaps: %v", err)
	}
}

func TestPlanRefused(t *testing.T) {
	m := sysv.New(machine{files: map[string]string{file: theirs}})
	if _, err := m.Plan(t.Context(), feedd()); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("plan over a foreign script: %v", err)
	}
	if _, err := m.Removal(t.Context(), id); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("removal of a foreign script: %v", err)
	}
	u := feedd()
	u.Requires = []string{"nobody", "network"}
	m = sysv.New(machine{files: map[string]string{"/etc/init.d": ""}})
	if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("requirement that is not there: %v", err)
	}
	for _, bad := range []platform.ID{{Name: "../x", Scope: platform.ScopeSystem}, {Name: "x"}, {Name: "x", Scope: platform.ScopeUser}} {
		if _, err := m.Removal(t.Context(), bad); !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("removal of %v: %v", bad, err)
		}
	}
}

func TestStatus(t *testing.T) {
	const links = "/etc/rc2.d/S03feedd\n"
	for name, tt := range map[string]struct {
		answer answer
		links  string
		want   platform.Status
		fails  bool
	}{
		"ready": {
			answer{`{"phase":"ready","pid":7,"started_by":"sysv","restarts":2,"status_text":"up"}`, 0},
			links,
			platform.Status{Enabled: true, Phase: platform.PhaseReady, PID: 7, Restarts: 2, Text: "up"},
			false,
		},
		"by hand":        {answer{`{"phase":"ready","pid":7,"started_by":"hand"}`, 0}, links, platform.Status{Enabled: true, Phase: platform.PhaseStopped}, false},
		"stopped":        {answer{`{"phase":"stopped","pid":0}`, 3}, "/etc/rc0.d/K01feedd\n", platform.Status{Phase: platform.PhaseStopped}, false},
		"dead":           {answer{`{"phase":"failed","pid":0}`, 1}, links, platform.Status{Enabled: true, Phase: platform.PhaseFailed}, false},
		"program gone":   {answer{"", 4}, links, platform.Status{Enabled: true, Phase: platform.PhaseUnknown}, false},
		"no answer":      {answer{"Segmentation fault", 139}, "", platform.Status{Phase: platform.PhaseUnknown}, true},
		"half an answer": {answer{`{"phase":"re`, 0}, "", platform.Status{Phase: platform.PhaseUnknown}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := sysv.New(machine{map[string]string{file: ours}, map[string]answer{find: {tt.links, 0}, file + " status --json": tt.answer}})
			st, err := m.Status(t.Context(), id)
			tt.want.Manager, tt.want.Installed = "sysv", !tt.fails
			if (err != nil) != tt.fails || st != tt.want {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, st, tt.want)
			}
		})
	}
	st, err := sysv.New(machine{}).Status(t.Context(), id)
	if err != nil || st != (platform.Status{Manager: "sysv", Phase: platform.PhaseStopped}) {
		t.Errorf("absent: %+v, %v", st, err)
	}
}

func TestControl(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		files  map[string]string
		action string
		code   int
		want   error
		says   string
	}{
		"start":         {action: "start"},
		"stop":          {action: "stop"},
		"restart":       {action: "restart"},
		"reload":        {action: "reload"},
		"failed":        {action: "start", code: 1, says: "see: tail -n 20 /var/log/feedd/output.log"},
		"not permitted": {action: "stop", code: 4, want: platform.ErrPermission},
		"no program":    {action: "start", code: 5, says: "gone"},
		"not running":   {action: "reload", code: 7, want: platform.ErrNotRunning},
		"rejected":      {action: "reload", code: 1, want: platform.ErrRejected},
		"absent":        {files: map[string]string{}, action: "start", want: platform.ErrNotInstalled},
		"foreign":       {files: map[string]string{file: theirs}, action: "start", want: platform.ErrPermission},
		"interrupted":   {ctx: ended, action: "start", want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			if tt.files == nil {
				tt.files = map[string]string{file: ours}
			}
			m := sysv.New(machine{tt.files, map[string]answer{file + " " + tt.action: {"", tt.code}}})
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
	m := sysv.New(machine{})
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
