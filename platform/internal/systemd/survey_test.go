package systemd_test

import (
	"maps"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

func TestSurvey(t *testing.T) {
	sys := &machine{answers: map[string]answer{
		"systemctl --no-pager --no-ask-password list-units --type=service --state=failed,activating,deactivating --plain --no-legend --full": {out: "" +
			"feedd@a.service loaded failed       failed       The feed, with words\n" +
			"again.service   loaded activating   auto-restart again\n" +
			"ends.service    loaded deactivating stop-sigterm ends\n" +
			"not.socket      loaded failed       failed       no service\n" +
			"\nshort.service\n"},
	}}
	m := systemd.New(sys, systemd.Options{Home: "/home/u"})
	got, err := m.Unsettled(t.Context(), platform.ScopeSystem)
	want := map[string]platform.Phase{"feedd@a": platform.PhaseFailed, "again": platform.PhaseStarting, "ends": platform.PhaseStopping}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := m.Unsettled(t.Context(), platform.ScopeUser); err == nil {
		t.Error("it asked the same for a user")
	}
	if p, s := m.Definitions(platform.ScopeSystem); p != "/etc/systemd/system/*.service" || s != ".service" {
		t.Errorf("%s, %s", p, s)
	}
	if p, _ := m.Definitions(platform.ScopeUser); p != "/home/u/.config/systemd/user/*.service" {
		t.Errorf("%s", p)
	}
	if p, _ := systemd.New(sys, systemd.Options{}).Definitions(platform.ScopeUser); p != "" {
		t.Errorf("of nobody: %s", p)
	}
	if !m.Made([]byte("# Made by holdfast: \n[Unit]")) || m.Made([]byte("[Unit]\n# Made by holdfast")) || m.Made(nil) {
		t.Error("what holdfast has made is told apart wrongly")
	}
}
