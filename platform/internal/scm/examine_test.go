package scm_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// A disabled service is reported, with the command that enables it. Nothing is reported for a
// missing service.
func TestExamine(t *testing.T) {
	f := newFake()
	m := f.manager()
	if e, err := m.Examine(t.Context(), feedd); err != nil || e.Disabled != "" || e.Own != nil {
		t.Errorf("%+v, %v", e, err)
	}
	e := f.has(unit("feedd"))
	if got, err := m.Examine(t.Context(), feedd); err != nil || got.Disabled != "" {
		t.Errorf("%+v, %v", got, err)
	}
	e.r.Disabled = true
	got, err := m.Examine(t.Context(), feedd)
	if err != nil || got.Disabled != "its start type is disabled" || got.Own[platform.MendAllow] != "sc config feedd start= delayed-auto" {
		t.Errorf("%+v, %v", got, err)
	}
}
