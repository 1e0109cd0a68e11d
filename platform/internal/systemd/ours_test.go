package systemd_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

const byHand = "[Unit]\nDescription=by hand\n[Service]\nExecStart=/bin/true\n"

// The properties of the unit and its files decide what the definition is and who made it.
func TestIssue10_3_Definitions(t *testing.T) {
	const vendor = "/usr/lib/systemd/system/feedd.service"
	for name, tt := range map[string]struct {
		shows string
		files map[string]string
		links map[string]string
		want  *platform.Definition
		start error // nil: it is ours to start
	}{
		"ours":                  {shows: "FragmentPath=" + feeddFile, files: map[string]string{feeddFile: ours}, want: &platform.Definition{Path: feeddFile, Ours: true}},
		"ours, of a package":    {shows: "FragmentPath=" + vendor, files: map[string]string{vendor: ours}, want: &platform.Definition{Path: vendor, Ours: true}},
		"ours, removed by hand": {shows: "FragmentPath=" + feeddFile, want: &platform.Definition{Path: feeddFile, Ours: true}},
		"by hand":               {shows: "FragmentPath=" + feeddFile, files: map[string]string{feeddFile: byHand}, want: &platform.Definition{Path: feeddFile}, start: platform.ErrForeign},
		"not read yet":          {shows: "LoadState=not-found", files: map[string]string{feeddFile: byHand}, want: &platform.Definition{Path: feeddFile}, start: platform.ErrForeign},
		"of a package":          {shows: "FragmentPath=" + vendor, files: map[string]string{vendor: byHand}, want: &platform.Definition{Path: vendor}, start: platform.ErrForeign},
		"static": {
			shows: "UnitFileState=static\nFragmentPath=" + vendor, files: map[string]string{vendor: byHand},
			want: &platform.Definition{Path: vendor, State: platform.DefinitionStatic}, start: platform.ErrForeign,
		},
		"generated": {
			shows: "UnitFileState=generated\nSourcePath=/etc/init.d/feedd\nFragmentPath=/run/systemd/generator.late/feedd.service",
			files: map[string]string{"/etc/init.d/feedd": "#!/bin/sh\n"},
			want:  &platform.Definition{Path: "/run/systemd/generator.late/feedd.service", State: platform.DefinitionGenerated, Source: "/etc/init.d/feedd"}, start: platform.ErrForeign,
		},
		// Issue 10: an uninstalled script left a unit that blocked all verbs until a
		// daemon-reload.
		"generated from what has gone": {
			shows: "UnitFileState=generated\nSourcePath=/etc/init.d/feedd\nFragmentPath=/run/systemd/generator.late/feedd.service",
			start: platform.ErrNotInstalled,
		},
		"masked": {shows: "LoadState=masked\nFragmentPath=" + feeddFile, want: &platform.Definition{Path: feeddFile, State: platform.DefinitionMasked}, start: platform.ErrPermission},
		"linked, and enabled": {
			shows: "UnitFileState=enabled\nFragmentPath=" + feeddFile, files: map[string]string{feeddFile: byHand}, links: map[string]string{feeddFile: "/opt/feedd.service"},
			want: &platform.Definition{Path: feeddFile, State: platform.DefinitionLinked, Source: "/opt/feedd.service"}, start: platform.ErrForeign,
		},
		"changed": {
			shows: "FragmentPath=" + feeddFile + "\nDropInPaths=/etc/systemd/system/feedd.service.d/a.conf /run/b.conf",
			files: map[string]string{feeddFile: ours, "/etc/systemd/system/feedd.service.d/a.conf": "[Service]\n# ExecStop=no\nExecStart=\nExecStart=/x\nUser = joe\n"},
			want: &platform.Definition{Path: feeddFile, Ours: true, DropIns: []platform.DropIn{
				{Path: "/etc/systemd/system/feedd.service.d/a.conf", Keys: []string{"ExecStart", "User"}}, {Path: "/run/b.conf"},
			}},
		},
		"none": {shows: "LoadState=not-found"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(tt.shows, "LoadState") {
				tt.shows += "\nLoadState=loaded"
			}
			sys := &machine{files: tt.files, answers: map[string]answer{show + "feedd.service": {out: tt.shows + "\nActiveState=inactive\n"}}}
			for link, to := range tt.links {
				sys.answers["readlink "+link] = answer{out: to + "\n"}
			}
			m := systemd.New(sys, systemd.Options{})
			st, err := m.Status(t.Context(), feeddID)
			if st.Definition != nil {
				st.Definition.Own = nil
			}
			if err != nil || !reflect.DeepEqual(st.Definition, tt.want) || st.Installed != (tt.want != nil && tt.want.Ours) {
				t.Errorf("%v: installed %v, %+v, want %+v", err, st.Installed, st.Definition, tt.want)
			}
			if tt.want == nil {
				return
			}
			for word, do := range map[string]verb{
				"start": (*systemd.Manager).Start, "stop": (*systemd.Manager).Stop, "restart": (*systemd.Manager).Restart, "reload": (*systemd.Manager).Reload,
			} {
				sys.answers[ctl+word+" feedd.service"] = answer{}
				sys.ran = nil
				err := do(m, t.Context(), feeddID)
				if !errors.Is(err, tt.start) || (err == nil) != sys.did(ctl+word+" feedd.service") || err != nil && sys.did(ctl+"reset-failed feedd.service") {
					t.Errorf("%s: %v, want %v; ran %q", word, err, tt.start, sys.ran)
				}
			}
		})
	}
}

// A unit that somebody wrote by hand is kept beside ours, and restored.
func TestIssue10_3_Adopt(t *testing.T) {
	const kept = feeddFile + ".before-holdfast"
	for _, state := range []string{"enabled", "disabled"} {
		sys := &machine{files: map[string]string{feeddFile: byHand}, answers: map[string]answer{
			show + "feedd.service": {out: "LoadState=loaded\nActiveState=active\nUnitFileState=" + state + "\nFragmentPath=" + feeddFile + "\n"},
			"systemctl --version":  {out: "systemd 257 (257.1)\n"},
		}}
		m := systemd.New(sys, systemd.Options{})
		u := feedd()
		u.Adopt = true
		steps, err := m.Plan(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		enable := map[string]string{"enabled": "reenable feedd.service", "disabled": "enable feedd.service <- " + ctl + "disable feedd.service"}
		want := []string{
			"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
			"run " + ctl + "stop feedd.service <- " + ctl + "start feedd.service",
			"write-file " + kept,
			"write-file " + feeddFile,
			"run " + ctl + "daemon-reload",
			"run " + ctl + enable[state],
		}
		if got := lines(steps); !reflect.DeepEqual(got, want) {
			t.Errorf("steps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !steps[1].Stops { // the service ran, so it is to run again
			t.Errorf("%+v", steps[1])
		}
		for _, s := range steps {
			if s.Path != "" {
				sys.files[s.Path] = string(s.Content)
			}
		}
		if sys.files[kept] != byHand {
			t.Errorf("kept %q", sys.files[kept])
		}
		// A later install preserves that.
		again, err := m.Plan(t.Context(), feedd())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range again {
			if s.Path == feeddFile && string(s.Content) != sys.files[feeddFile] {
				t.Errorf("it forgets:\n%s", s.Content)
			}
		}
		removal, err := m.Removal(t.Context(), feeddID)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(lines(removal), "\n")
		if !strings.Contains(all, "write-file "+feeddFile+"\nremove-file "+kept+"\nrun "+ctl+"daemon-reload") {
			t.Errorf("not put back:\n%s", all)
		}
		if strings.Contains(all, "daemon-reload\nrun "+ctl+"enable feedd.service") != (state == "enabled") {
			t.Errorf("%s before, and then:\n%s", state, all)
		}
		// A second take-over would overwrite what was kept.
		sys.files[feeddFile] = byHand
		if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), kept) {
			t.Errorf("over what was kept: %v", err)
		}
	}
}

// With Claim, it is changed like one of ours: the running service goes on, and Removal
// restores nothing.
func TestIssue13_Claim(t *testing.T) {
	sys := &machine{files: map[string]string{feeddFile: byHand}, answers: map[string]answer{
		show + "feedd.service": {out: "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nFragmentPath=" + feeddFile + "\n"},
		"systemctl --version":  {out: "systemd 257 (257.1)\n"},
	}}
	u := feedd()
	u.Claim = true
	steps, err := systemd.New(sys, systemd.Options{}).Plan(t.Context(), u)
	want := []string{
		"run " + ctl + "show --property=Version <- " + ctl + "daemon-reload",
		"write-file " + feeddFile,
		"run " + ctl + "daemon-reload",
		"run " + ctl + "reenable feedd.service",
	}
	if got := lines(steps); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, steps\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A masked unit or a link is never replaced.
func TestIssue10_3_AdoptRefuses(t *testing.T) {
	u := feedd()
	u.Adopt = true
	for shows, way := range map[string]string{
		"LoadState=masked\nFragmentPath=" + feeddFile: "systemctl unmask feedd.service",
		"LoadState=loaded\nFragmentPath=" + feeddFile: "systemctl disable feedd.service removes the link",
	} {
		sys := &machine{files: map[string]string{feeddFile: byHand}, answers: map[string]answer{
			show + "feedd.service": {out: shows + "\n"}, "readlink " + feeddFile: {out: "/opt/feedd.service\n"},
		}}
		if _, err := systemd.New(sys, systemd.Options{}).Plan(t.Context(), u); !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), way) {
			t.Errorf("%s: %v", shows, err)
		}
	}
}

// After= alone starts nothing, and Requires= alone orders nothing.
func TestIssue10_8_Order(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*platform.Unit)
		want   string
	}{
		"nothing":        {func(*platform.Unit) {}, ""},
		"network":        {func(u *platform.Unit) { u.NeedsNetwork = true }, "Wants=network-online.target\nAfter=network-online.target\n"},
		"network, after": {func(u *platform.Unit) { u.After = []string{"network-online.target"} }, "Wants=network-online.target\nAfter=network-online.target\n"},
		"a user's":       {func(u *platform.Unit) { u.Scope, u.NeedsNetwork = platform.ScopeUser, true }, ""},
		"wants":          {func(u *platform.Unit) { u.Wants = []string{"cache"} }, "Wants=cache.service\nAfter=cache.service\n"},
		"requires":       {func(u *platform.Unit) { u.Requires = []string{"db"} }, "Requires=db.service\nAfter=db.service\n"},
		"after":          {func(u *platform.Unit) { u.After = []string{"a", "b.target"} }, "After=a.service b.target\n"},
	} {
		u := feedd()
		tt.change(&u)
		text, err := systemd.Render(u, 257)
		if err != nil {
			t.Fatal(err)
		}
		_, behind, _ := strings.Cut(string(text), "Description=Feeds the shipper\n")
		got, _, _ := strings.Cut(behind, "StartLimit")
		if got != tt.want {
			t.Errorf("%s:\n%swant\n%s", name, got, tt.want)
		}
	}
}

func TestIssue10_8_UnknownNamesAreWarnedOf(t *testing.T) {
	u := feedd()
	u.After, u.Requires, u.Wants = []string{"there", "silent"}, []string{"nobody"}, []string{"nothing.target"}
	sys := &machine{answers: map[string]answer{
		ctl + "show --property=LoadState -- there.service":  {out: "LoadState=loaded\n"},
		ctl + "show --property=LoadState -- nobody.service": {out: "LoadState=not-found\n"},
		ctl + "show --property=LoadState -- nothing.target": {out: "LoadState=not-found\n"},
	}}
	want := []string{"requires: systemd knows no nobody.service", "wants: systemd knows no nothing.target"}
	if got := systemd.New(sys, systemd.Options{}).Warnings(t.Context(), u); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}
