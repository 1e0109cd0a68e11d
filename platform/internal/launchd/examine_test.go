package launchd_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// The property list says when launchd kills it; one of somebody else's says nothing of ours.
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
