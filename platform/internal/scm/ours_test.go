package scm_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// theirs registers a service with that name that holdfast did not make.
func (f *fake) theirs(account string) *entry {
	r := scm.Registration{Name: "feedd", DisplayName: "By hand", BinaryPath: `C:\old.exe -k`, Account: account, Enabled: true}
	e := &entry{r: r, s: up}
	f.services["feedd"] = e
	f.alive[e.s.PID] = true
	return e
}

func TestIssue10_3_Definitions(t *testing.T) {
	f := newFake()
	f.theirs("LocalSystem")
	m := f.manager()
	st, err := m.Status(t.Context(), feedd)
	if err != nil || st.Installed || st.Definition == nil || st.Definition.Ours || !strings.Contains(st.Definition.Path, `C:\old.exe`) || st.Phase != platform.PhaseReady {
		t.Errorf("%+v, %v", st, err)
	}
	f.calls = nil
	for verb, do := range map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload} {
		if err := do(t.Context(), feedd); !errors.Is(err, platform.ErrForeign) || !strings.Contains(err.Error(), "install --adopt") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	for _, call := range f.calls {
		if !strings.HasPrefix(call, "Config") {
			t.Errorf("called %s", call)
		}
	}
	if _, err := m.Removal(t.Context(), feedd); !errors.Is(err, platform.ErrForeign) {
		t.Errorf("uninstall: %v", err)
	}
	if _, err := m.Plan(t.Context(), unit("feedd")); !errors.Is(err, platform.ErrForeign) {
		t.Errorf("install: %v", err)
	}
}

// The SCM has no files, so the old registration is stored in ours, and restored from there.
func TestIssue10_3_Adopt(t *testing.T) {
	f := newFake()
	e := f.theirs("LocalSystem")
	// A disabled one does not come back as one that starts, nor without a parameter that happens to be called like one of ours.
	e.r.Enabled, e.r.Disabled, e.r.Parameters = false, true, map[string]string{"Restart": "theirs", "Port": "80"}
	before := e.r
	before.Parameters = map[string]string{"Restart": "theirs"} // the fake's Change also changes other parameters, and the SCM's does not
	m := f.manager()
	system := struct {
		platform.System
		platform.Applier
	}{f, m.Applier()}
	for _, adopt := range []bool{true, false} { // taking over once is enough
		u := unit("feedd")
		u.Adopt = adopt
		steps, err := m.Plan(t.Context(), u)
		if runs := err == nil && steps[0].Stops; runs != adopt { // the service ran, so it is to run again
			t.Errorf("adopt %v: %v, %+v", adopt, err, steps)
		}
		if err == nil {
			err = installer.Apply(t.Context(), system, steps, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if st, err := m.Status(t.Context(), feedd); err != nil || !st.Installed || st.Phase != platform.PhaseStopped {
		t.Errorf("%+v, %v", st, err)
	}
	steps, err := m.Removal(t.Context(), feedd)
	if err == nil {
		err = installer.Apply(t.Context(), system, steps, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := f.services["feedd"].r; !reflect.DeepEqual(got, before) {
		t.Errorf("put back %+v, want %+v", got, before)
	}
}

// The password of an account is unknown, so the registration could not be restored.
func TestIssue10_3_AdoptRefusesPasswords(t *testing.T) {
	f := newFake()
	f.theirs(`.\joe`)
	u := unit("feedd")
	u.Adopt = true
	if _, err := f.manager().Plan(t.Context(), u); !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), `.\joe`) {
		t.Errorf("got %v", err)
	}
}

// A Registration cannot represent everything that Windows stores for a service.
func TestIssue10_3_AdoptRefusesWhatCouldNotBePutBack(t *testing.T) {
	f := newFake()
	f.theirs("LocalSystem").r.Beyond = []string{"triggers"}
	u := unit("feedd")
	u.Adopt = true
	if _, err := f.manager().Plan(t.Context(), u); !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), "could not be restored (triggers)") {
		t.Errorf("got %v", err)
	}
}

// With Claim, a registration is changed like one of ours, even if it could not be restored:
// the running service goes on, and Removal restores nothing.
func TestIssue13_Claim(t *testing.T) {
	f := newFake()
	e := f.theirs(`.\joe`)
	e.r.Beyond = []string{"an error control other than normal"}
	m := f.manager()
	if st, err := m.Status(t.Context(), feedd); err != nil || st.Definition.Command != `C:\old.exe -k` {
		t.Errorf("%+v, %v", st.Definition, err)
	}
	u := unit("feedd")
	u.Claim = true
	steps, err := m.Plan(t.Context(), u)
	for _, s := range steps {
		if s.Stops || s.Kind == scm.StepStopService {
			t.Errorf("%+v", s)
		}
	}
	system := struct {
		platform.System
		platform.Applier
	}{f, m.Applier()}
	if err == nil {
		err = installer.Apply(t.Context(), system, steps, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if st, err := m.Status(t.Context(), feedd); err != nil || !st.Installed || st.Phase != platform.PhaseReady {
		t.Errorf("%+v, %v", st, err)
	}
	if steps, err = m.Removal(t.Context(), feedd); err == nil {
		err = installer.Apply(t.Context(), system, steps, nil)
	}
	if err != nil || f.services["feedd"] != nil {
		t.Errorf("%v, and there is %+v", err, f.services["feedd"])
	}
}

func TestIssue10_8_UnknownNamesAreWarnedOf(t *testing.T) {
	f := newFake()
	f.has(unit("Tcpip"))
	u := unit("feedd")
	u.After, u.Requires, u.Windows.Dependencies = []string{"Tcpip"}, []string{"ghost"}, []string{"+Group", "nobody"}
	got := strings.Join(f.manager().Warnings(t.Context(), u), "\n")
	if !strings.Contains(got, `requires: there is no service "ghost"`) || !strings.Contains(got, `windows.dependencies: there is no service "nobody"`) || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
}
