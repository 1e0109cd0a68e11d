package launchd_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

const keptFile = feeddFile + ".before-holdfast"

// theirs returns a machine with a loaded and running property list that holdfast did not make.
func theirs(t *testing.T) *machine {
	t.Helper()
	sys := installed(t, map[string][]answer{printFeedd: {loaded("pid = 7", "state = running")}, "launchctl print-disabled system": {{}}})
	sys.files[feeddFile] = strings.Replace(sys.files[feeddFile], "<key>Holdfast</key>", "<key>Other</key>", 1)
	return sys
}

func TestIssue10_3_Definitions(t *testing.T) {
	elsewhere := answer{out: "system/feedd = {\n\tpath = /System/Library/LaunchDaemons/feedd.plist\n\tpid = 7\n}\n"}
	for name, tt := range map[string]struct {
		sys  *machine
		path string
		ours bool
	}{
		"ours":               {installed(t, map[string][]answer{printFeedd: {{code: 113}}}), feeddFile, true},
		"ours, removed":      {&machine{answers: map[string][]answer{printFeedd: {loaded("pid = 7")}}}, feeddFile, true},
		"by hand":            {theirs(t), feeddFile, false},
		"loaded from abroad": {installed(t, map[string][]answer{printFeedd: {elsewhere}}), "/System/Library/LaunchDaemons/feedd.plist", false},
	} {
		m := manager(tt.sys)
		st, err := m.Status(t.Context(), feeddID)
		if err != nil || st.Definition == nil || st.Definition.Path != tt.path || st.Definition.Ours != tt.ours || st.Installed != tt.ours {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
		if tt.ours {
			continue
		}
		tt.sys.ran = nil
		for verb, do := range map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload} {
			if err := do(t.Context(), feeddID); !errors.Is(err, platform.ErrForeign) {
				t.Errorf("%s: %s: %v", name, verb, err)
			}
		}
		for _, line := range tt.sys.ran {
			if !strings.HasPrefix(line, "launchctl print") && !strings.HasPrefix(line, "readlink") {
				t.Errorf("%s: ran %s", name, line)
			}
		}
		if _, err := m.Removal(t.Context(), feeddID); !errors.Is(err, platform.ErrForeign) {
			t.Errorf("%s: uninstall: %v", name, err)
		}
	}
}

func TestIssue10_3_Adopt(t *testing.T) {
	for _, disabled := range []bool{false, true} {
		sys := theirs(t)
		if disabled {
			sys.answers["launchctl print-disabled system"] = []answer{{out: "\t\"feedd\" => disabled\n"}}
		}
		before := sys.files[feeddFile]
		m := manager(sys)
		u := feedd()
		u.Adopt = true
		steps, err := m.Plan(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(lines(steps), "\n")
		want := "run launchctl bootout system/feedd <- run launchctl bootstrap system " + feeddFile + " <- run " + printFeedd + " ?\nrun launchctl print system/feedd until\nwrite-file " + keptFile
		if !strings.HasPrefix(all, want) || !strings.Contains(all, "write-file "+feeddFile) {
			t.Errorf("got\n%s", all)
		}
		if !steps[0].Stops { // the service ran, so it is to run again
			t.Errorf("%+v", steps[0])
		}
		for _, s := range steps {
			if s.Path != "" {
				sys.files[s.Path] = string(s.Content)
			}
		}
		if sys.files[keptFile] != before {
			t.Errorf("keptFile\n%s", sys.files[keptFile])
		}
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
		all = strings.Join(lines(removal), "\n")
		if !strings.Contains(all, "write-file "+feeddFile+"\nremove-file "+keptFile) || strings.Contains(all, "run launchctl disable system/feedd") != disabled {
			t.Errorf("disabled %v; not put back:\n%s", disabled, all)
		}
	}
}

// With Claim, it is changed like one of ours: the running service goes on, and Removal
// restores nothing.
func TestIssue13_Claim(t *testing.T) {
	u := feedd()
	u.Claim = true
	steps, err := manager(theirs(t)).Plan(t.Context(), u)
	all := strings.Join(lines(steps), "\n")
	if err != nil || strings.Contains(all, "bootout") || strings.Contains(all, keptFile) || !strings.Contains(all, "write-file "+feeddFile) {
		t.Errorf("%v\n%s", err, all)
	}
	elsewhere := &machine{answers: map[string][]answer{printFeedd: {{out: "system/feedd = {\n\tpath = /opt/feedd.plist\n}\n"}}}}
	if _, err := launchd.New(elsewhere, launchd.Options{Home: "/Users/ann", Dirs: dirs}).Plan(t.Context(), u); !errors.Is(err, platform.ErrForeign) {
		t.Error(err)
	}
}

// A service that launchd has loaded from elsewhere cannot be backed up beside our file, and a
// link is not replaced.
func TestIssue10_3_AdoptRefuses(t *testing.T) {
	u := feedd()
	u.Adopt = true
	elsewhere := &machine{answers: map[string][]answer{printFeedd: {{out: "system/feedd = {\n\tpath = /opt/feedd.plist\n}\n"}}}}
	link := theirs(t)
	link.answers["readlink "+feeddFile] = []answer{{out: "/opt/feedd.plist\n"}}
	for _, sys := range []*machine{elsewhere, link} {
		steps, err := launchd.New(sys, launchd.Options{Home: "/Users/ann", Dirs: dirs}).Plan(t.Context(), u)
		if !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), "/opt/feedd.plist") {
			t.Errorf("%v, %v", err, lines(steps))
		}
	}
}
