package openrc_test

import (
	"reflect"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
)

// A service under the program's own supervisor is known to OpenRC only as started or not. The
// program knows the rest, and Inventory does not ask it.
func TestOwnSupervisor(t *testing.T) {
	u := initdtest.Feedd()
	u.Supervise = true
	script, err := openrc.Render(u)
	if err != nil {
		t.Fatal(err)
	}
	ready := `{"phase":"ready","pid":7,"started_by":"openrc","restarts":2}`
	for name, tt := range map[string]struct {
		code   int
		report initdtest.Answer
		want   platform.Status
		starts string // what a start does
	}{
		"started":             {0, initdtest.Answer{Out: ready}, platform.Status{Phase: platform.PhaseReady, PID: 7, Restarts: 2}, ""},
		"waits, or given up":  {32, initdtest.Answer{Out: `{"phase":"failed"}`, Code: 3}, platform.Status{Phase: platform.PhaseFailed}, "restart"},
		"stopped":             {3, initdtest.Answer{Out: `{"phase":"stopped"}`, Code: 3}, platform.Status{Phase: platform.PhaseStopped}, "start"},
		"by hand":             {3, initdtest.Answer{Out: `{"phase":"ready","pid":7,"started_by":"hand"}`}, platform.Status{Phase: platform.PhaseStopped}, "start"},
		"its program is gone": {32, initdtest.Answer{Code: 127}, platform.Status{Phase: platform.PhaseUnknown}, "restart"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]initdtest.Answer{
				find: {Out: "/etc/runlevels/default/feedd\n"}, rc + "status": {Code: tt.code}, rc + "report": tt.report, exclusive: {Code: 1},
			}
			if tt.starts != "" {
				answers[rc+tt.starts] = initdtest.Answer{}
			}
			m := openrc.New(initdtest.Machine{Files: map[string]string{file: string(script)}, Answers: answers})
			tt.want.Manager, tt.want.Installed, tt.want.Enabled = "openrc", true, true
			st, err := m.Status(t.Context(), initdtest.ID)
			if st.Definition == nil || !st.Definition.Ours {
				t.Errorf("definition %v", st.Definition)
			}
			st.Definition = nil
			if err != nil || !reflect.DeepEqual(st, tt.want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, st, tt.want)
			}
			if err := m.Start(t.Context(), initdtest.ID); err != nil {
				t.Error(err)
			}
			delete(answers, rc+"report")
			st, err = m.Inventory(t.Context(), initdtest.ID)
			st.Definition = nil
			if want := (platform.Status{Manager: "openrc", Installed: true, Enabled: true}); err != nil || !reflect.DeepEqual(st, want) {
				t.Errorf("Inventory: %+v, %v", st, err)
			}
		})
	}
}
