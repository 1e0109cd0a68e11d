package launchd_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Our property list says when launchd kills the service. One that holdfast did not make says
// nothing.
func TestExamine(t *testing.T) {
	sys := installed(t, map[string][]answer{printFeedd: {loaded("pid = 7")}})
	e, err := manager(sys).Examine(t.Context(), feeddID)
	if err != nil || e.KillAfter < 10*time.Second || e.Own[platform.MendEnable] != "launchctl enable system/feedd" {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err = manager(theirs(t)).Examine(t.Context(), feeddID); err != nil || e.KillAfter != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err = manager(&machine{}).Examine(t.Context(), feeddID); err != nil || e.KillAfter != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}
