package sysv_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
)

const (
	file = initdtest.Script
	ours = "#!/bin/sh\n# Made by holdfast: x\n"
	find = "find /etc/rc0.d/ /etc/rc1.d/ /etc/rc2.d/ /etc/rc3.d/ /etc/rc4.d/ /etc/rc5.d/ /etc/rc6.d/ -name [SK][0-9][0-9]feedd"
)

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
		status     initdtest.Answer
		plan, gone string
	}{
		"Debian, new": {
			files: with("/usr/sbin/update-rc.d", "/usr/sbin/insserv"),
			plan:  "write-file " + file + "\nrun /usr/sbin/update-rc.d feedd defaults | /usr/sbin/update-rc.d -f feedd remove",
		},
		"Debian, again": {
			files: with("/usr/sbin/update-rc.d", file), links: links, status: initdtest.Answer{Out: running},
			plan: "write-file " + file + "\nrun /usr/sbin/update-rc.d feedd defaults",
			gone: "run " + file + " stop | " + file + " start\nrun /usr/sbin/update-rc.d -f feedd remove | /usr/sbin/update-rc.d feedd defaults\n" +
				"remove-file " + file + "\nremove-dir /run/feedd",
		},
		"Red Hat": {
			files: with("/sbin/chkconfig", file), links: links, status: initdtest.Answer{Out: `{"phase":"stopped"}`, Code: 3},
			plan: "write-file " + file + "\nrun /sbin/chkconfig --add feedd",
			gone: "run " + file + " stop\nrun /sbin/chkconfig --del feedd | /sbin/chkconfig --add feedd\nremove-file " + file + "\nremove-dir /run/feedd",
		},
		"insserv alone": {
			files: with("/sbin/insserv"),
			plan:  "write-file " + file + "\nrun /sbin/insserv feedd | /sbin/insserv -r feedd",
		},
		"by hand": {
			files: with(file, "/etc/rc0.d", "/etc/rc2.d"), status: initdtest.Answer{Out: "", Code: 4}, // its program is missing
			plan: "write-file " + file + "\n" +
				"run ln -sfn ../init.d/feedd /etc/rc0.d/K10feedd | rm -f /etc/rc0.d/K10feedd\n" +
				"run ln -sfn ../init.d/feedd /etc/rc2.d/S90feedd | rm -f /etc/rc2.d/S90feedd",
			gone: "remove-file " + file + "\nremove-dir /run/feedd",
		},
		"by hand, again": {
			files: with(file, "/etc/rc0.d", "/etc/rc2.d"), links: links, status: initdtest.Answer{Out: running},
			plan: "write-file " + file,
			gone: "run " + file + " stop | " + file + " start\n" +
				"run rm -f /etc/rc0.d/K01feedd | ln -sfn ../init.d/feedd /etc/rc0.d/K01feedd\n" +
				"run rm -f /etc/rc2.d/S03feedd | ln -sfn ../init.d/feedd /etc/rc2.d/S03feedd\nremove-file " + file + "\nremove-dir /run/feedd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := sysv.New(initdtest.Machine{Files: tt.files, Answers: map[string]initdtest.Answer{find: {Out: tt.links, Code: 1}, file + " status --json": tt.status}})
			plan, err := m.Plan(t.Context(), initdtest.Feedd())
			if got := initdtest.Steps(plan); err != nil || got != tt.plan {
				t.Errorf("plan: %v\n%s\nwant\n%s", err, got, tt.plan)
			}
			if plan[0].Mode != 0o755 {
				t.Errorf("mode of the script: %04o", plan[0].Mode)
			}
			removal, err := m.Removal(t.Context(), initdtest.ID)
			if got := initdtest.Steps(removal); err != nil || got != tt.gone {
				t.Errorf("removal: %v\n%s\nwant\n%s", err, got, tt.gone)
			}
		})
	}
}

// A plan for another machine has links in all runlevels.
func TestPlanElsewhere(t *testing.T) {
	plan, err := sysv.New(initdtest.Machine{}).Plan(t.Context(), initdtest.Feedd())
	if err != nil || len(plan) != 8 {
		t.Fatalf("%v\n%s", err, initdtest.Steps(plan))
	}
	u := initdtest.Feedd()
	u.Requires = []string{"nobody"}
	if _, err := sysv.New(initdtest.Machine{}).Plan(t.Context(), u); err != nil {
		t.Errorf("required there, perhaps: %v", err)
	}
}

// With links that are made by hand, a service gets numbers after those of what it needs.
func TestNumbersByHand(t *testing.T) {
	for name, tt := range map[string]struct{ links, end, want string }{
		"nothing to come after": {"", "", "K10feedd S90feedd"},
		"early ones":            {"/etc/rc2.d/S03db\n/etc/rc0.d/K77db\n", "", "K10feedd S90feedd"},
		"made by hand, too":     {"/etc/rc0.d/K10db\n/etc/rc2.d/S90db\n", "/etc/rc0.d/S20sendsigs\n", "K09feedd S91feedd"},
		"no number is left":     {"/etc/rc0.d/K00db\n/etc/rc2.d/S99db\n", "", "K00feedd S99feedd"},
		"numbers by insserv":    {"", "/etc/rc0.d/K03sendsigs\n/etc/rc6.d/K04sendsigs\n", "K02feedd S90feedd"},
	} {
		t.Run(name, func(t *testing.T) {
			u := initdtest.Feedd()
			u.After, u.Requires = []string{"network"}, []string{"db"}
			m := sysv.New(initdtest.Machine{
				Files: map[string]string{"/etc/init.d": "", "/etc/init.d/db": "", "/etc/rc0.d": "", "/etc/rc2.d": ""},
				Answers: map[string]initdtest.Answer{
					strings.TrimSuffix(find, "feedd") + "db":       {Out: tt.links},
					strings.TrimSuffix(find, "feedd") + "sendsigs": {Out: tt.end},
				},
			})
			plan, err := m.Plan(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			var links []string
			for _, s := range plan[1:] {
				links = append(links, path.Base(s.Argv[3]))
			}
			if got := strings.Join(links, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	const links = "/etc/rc2.d/S03feedd\n"
	for name, tt := range map[string]struct {
		answer initdtest.Answer
		links  string
		want   platform.Status
		fails  bool
	}{
		"ready": {
			initdtest.Answer{Out: `{"phase":"ready","pid":7,"started_by":"sysv","restarts":2,"status_text":"up"}`, Code: 0},
			links,
			platform.Status{Enabled: true, Phase: platform.PhaseReady, PID: 7, Restarts: 2, Text: "up"},
			false,
		},
		"by hand":        {initdtest.Answer{Out: `{"phase":"ready","pid":7,"started_by":"hand"}`, Code: 0}, links, platform.Status{Enabled: true, Phase: platform.PhaseStopped}, false},
		"stopped":        {initdtest.Answer{Out: `{"phase":"stopped","pid":0}`, Code: 3}, "/etc/rc0.d/K01feedd\n", platform.Status{Phase: platform.PhaseStopped}, false},
		"dead":           {initdtest.Answer{Out: `{"phase":"failed","pid":0}`, Code: 1}, links, platform.Status{Enabled: true, Phase: platform.PhaseFailed}, false},
		"program gone":   {initdtest.Answer{Out: "", Code: 4}, links, platform.Status{Enabled: true, Phase: platform.PhaseUnknown}, false},
		"no answer":      {initdtest.Answer{Out: "Segmentation fault", Code: 139}, "", platform.Status{Phase: platform.PhaseUnknown}, true},
		"half an answer": {initdtest.Answer{Out: `{"phase":"re`, Code: 0}, "", platform.Status{Phase: platform.PhaseUnknown}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := sysv.New(initdtest.Machine{Files: map[string]string{file: ours}, Answers: map[string]initdtest.Answer{find: {Out: tt.links}, file + " status --json": tt.answer}})
			st, err := m.Status(t.Context(), initdtest.ID)
			tt.want.Manager, tt.want.Installed = "sysv", !tt.fails
			if st.Definition == nil || !st.Definition.Ours {
				t.Errorf("definition %v", st.Definition)
			}
			st.Definition = nil
			if (err != nil) != tt.fails || st != tt.want {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, st, tt.want)
			}
		})
	}
}

// The reason of a failure is found.
func TestExplained(t *testing.T) {
	for name, tt := range map[string]struct {
		action string
		code   int
		want   error
		says   string
	}{
		"not permitted": {action: "stop", code: 4, want: platform.ErrPermission},
		"no program":    {action: "start", code: 5, says: "gone"},
		"not running":   {action: "reload", code: 7, want: platform.ErrNotRunning},
		"rejected":      {action: "reload", code: 1, want: platform.ErrRejected, says: "it failed"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]initdtest.Answer{file + " " + tt.action: {Code: tt.code}}
			m := sysv.New(initdtest.Machine{Files: map[string]string{file: ours}, Answers: answers})
			do := map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "reload": m.Reload}
			err := do[tt.action](t.Context(), initdtest.ID)
			if err == nil || !errors.Is(err, tt.want) && tt.want != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v %s", err, tt.want, tt.says)
			}
		})
	}
}
