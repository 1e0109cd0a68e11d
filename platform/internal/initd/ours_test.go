package initd_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
)

const kept = initdtest.Script + ".before-holdfast"

// A script that holdfast did not make is described, but not used.
func TestIssue10_3_Definitions(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		files := map[string]string{initdtest.Script: initdtest.Theirs, "/etc/conf.d/feedd": "# x=1\nrc_need=\"db\"\nexport TZ=UTC\n"}
		machine := initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{r.action + "status": {}}}
		m := r.manager(machine)
		st, err := m.Status(t.Context(), initdtest.ID)
		if err != nil || st.Installed || st.Definition == nil || st.Definition.Ours || st.Definition.Path != initdtest.Script {
			t.Fatalf("%+v, %v", st, err)
		}
		if m.Name() == "openrc" && (len(st.Definition.DropIns) != 1 || st.Definition.DropIns[0].String() != "/etc/conf.d/feedd sets rc_need, TZ") {
			t.Errorf("beside it: %v", st.Definition.DropIns)
		}
		if own := st.Definition.Own["stop"]; own != r.action+"stop" {
			t.Errorf("the manager's own: %s", own)
		}
		if i, ok := m.(platform.Inventory); ok {
			if st, err := i.Inventory(t.Context(), initdtest.ID); err != nil || st.Installed || st.Definition == nil {
				t.Errorf("inventory: %+v, %v", st, err)
			}
		}
	})
}

// A script that is taken over is stopped by itself and kept under a name that is not that of a
// script. Removal restores it.
func TestIssue10_3_Adopt(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		files := map[string]string{"/etc/init.d": "", "/etc/runlevels": "", "/usr/sbin/update-rc.d": "", initdtest.Script: initdtest.Theirs}
		machine := initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{
			r.action + "status":               {},
			r.action + "status --json":        {Out: `{"phase":"stopped"}`},
			"find /etc/runlevels -name feedd": {Out: "/etc/runlevels/boot/feedd\n"},
			"find /etc/rc0.d/ /etc/rc1.d/ /etc/rc2.d/ /etc/rc3.d/ /etc/rc4.d/ /etc/rc5.d/ /etc/rc6.d/ -name [SK][0-9][0-9]feedd": {Out: "/etc/rc2.d/S03feedd\n"},
		}}
		m := r.manager(machine)
		u := initdtest.Feedd()
		u.Adopt = true
		steps, err := m.Plan(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		want := "run " + r.action + "stop | " + r.action + "start\nwrite-file " + kept + "\nwrite-file " + initdtest.Script
		if got := initdtest.Steps(steps); !strings.HasPrefix(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if !steps[0].Stops { // the service ran, so it is to run again
			t.Errorf("%+v", steps[0])
		}
		if keep := steps[1]; keep.Mode != 0o644 || string(keep.Content) != initdtest.Theirs {
			t.Errorf("kept as %04o %q", keep.Mode, keep.Content)
		}
		for _, s := range steps {
			if s.Path != "" {
				files[s.Path] = string(s.Content)
			}
		}
		initdtest.Judge(t, []byte(files[initdtest.Script]), "dash", "shellcheck")
		again, err := m.Plan(t.Context(), initdtest.Feedd())
		if err != nil || string(again[0].Content) != files[initdtest.Script] {
			t.Errorf("installed again it forgets: %v", err)
		}
		removal, err := m.Removal(t.Context(), initdtest.ID)
		if err != nil {
			t.Fatal(err)
		}
		back := map[string]string{"sysv": "run /usr/sbin/update-rc.d feedd defaults", "openrc": "run rc-update add feedd boot"}[m.Name()]
		if got := initdtest.Steps(removal); !strings.Contains(got, "write-file "+initdtest.Script+"\nremove-file "+kept+"\n"+back) {
			t.Errorf("not put back:\n%s", got)
		}
	})
}

// With Claim, it is changed like one of ours: the running service goes on, and Removal
// restores nothing.
func TestIssue13_Claim(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		m := r.manager(initdtest.Machine{
			Files:   map[string]string{"/etc/init.d": "", initdtest.Script: initdtest.Theirs},
			Answers: map[string]initdtest.Answer{r.action + "status": {}, "find /etc/runlevels -name feedd": {Out: "/etc/runlevels/boot/feedd\n"}},
		})
		u := initdtest.Feedd()
		u.Claim = true
		steps, err := m.Plan(t.Context(), u)
		if got := initdtest.Steps(steps); err != nil || !strings.HasPrefix(got, "write-file "+initdtest.Script) || strings.Contains(got, kept) || strings.Contains(got, " stop") {
			t.Errorf("%v\n%s", err, got)
		}
	})
}

func TestIssue10_3_ALinkIsNotReplaced(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		m := r.manager(initdtest.Machine{
			Files:   map[string]string{initdtest.Script: initdtest.Theirs},
			Answers: map[string]initdtest.Answer{"readlink " + initdtest.Script: {Out: "/opt/feedd/init\n"}},
		})
		u := initdtest.Feedd()
		u.Adopt = true
		if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), "a link to /opt/feedd/init") {
			t.Errorf("got %v", err)
		}
	})
}

func TestIssue10_8_UnknownNamesAreWarnedOf(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		u := initdtest.Feedd()
		u.After, u.Wants, u.NeedsNetwork = []string{"db", "network", "ghost"}, []string{"cache.service"}, true
		files := map[string]string{"/etc/init.d": "", "/etc/runlevels": "", "/etc/init.d/db": ""}
		search := `grep -rqE ^[[:space:]]*provide[[:space:]](.*[[:space:]])?net([[:space:]]|$) /etc/init.d`
		m := r.manager(initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{search: {Code: 1}}})
		got := strings.Join(m.(platform.Warner).Warnings(t.Context(), u), "\n")
		want := "after: there is no /etc/init.d/ghost\nwants: there is no /etc/init.d/cache"
		if m.Name() == "openrc" {
			want += "\nneeds_network: no script provides net, and OpenRC does not start what needs it"
		}
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if got := r.manager(initdtest.Machine{}).(platform.Warner).Warnings(t.Context(), u); got != nil {
			t.Errorf("of another machine: %q", got)
		}
	})
}

// systemd generates a unit from each script. It kept that of an uninstalled script, which
// blocked all its verbs.
func TestIssue10_AScriptOnAMachineOfSystemds(t *testing.T) {
	each(t, func(t *testing.T, r room) {
		for booted, want := range map[bool]int{true: 1, false: 0} {
			files := map[string]string{"/etc/init.d": "", "/etc/runlevels": "", "/usr/sbin/update-rc.d": "", initdtest.Script: initdtest.Theirs}
			if booted {
				files["/run/systemd/system"] = ""
			}
			m := r.manager(initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{
				r.action + "status": {}, r.action + "status --json": {Out: `{"phase":"stopped"}`}, "find /etc/runlevels -name feedd": {},
			}})
			u := initdtest.Feedd()
			u.Adopt = true
			steps, err := m.Plan(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(initdtest.Steps(steps), "run systemctl daemon-reload"); got != want {
				t.Errorf("booted %v: %d in\n%s", booted, got, initdtest.Steps(steps))
			}
			for _, s := range steps {
				if s.Path != "" {
					files[s.Path] = string(s.Content)
				}
			}
			removal, err := m.Removal(t.Context(), initdtest.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := strings.Cut(initdtest.Steps(removal), "write-file "+initdtest.Script)
			if got := strings.Count(after, "run systemctl daemon-reload"); got != want {
				t.Errorf("booted %v: %d in\n%s", booted, got, initdtest.Steps(removal))
			}
		}
	})
}
