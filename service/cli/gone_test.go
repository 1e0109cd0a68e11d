package cli_test

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A manager executes the program for a reload (ExecReload=), and some do for a stop, too (a
// script). If the file was renamed or removed under the running service, the process itself is
// asked.
func TestIssue11_TheManagersProgramIsGone(t *testing.T) {
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace(t)
			p.wants("install --program /opt/feedd", 0, "feedd is installed", "install")
			p.removed = gone
			running(p)
			p.writes(feedd, platform.PhaseReady, nil)
			p.m.acts = errors.New("no such file")
			p.signalled = func(id proc.Identity, _ os.Signal) error {
				time.AfterFunc(time.Second, func() { reloaded(p, id, "") })
				return nil
			}
			if !gone {
				p.wants("reload", platform.ExitFailed, "no such file", "reload")
				p.wants("stop", platform.ExitFailed, "no such file", "stop")
				return
			}
			p.wants("status", 0, "the program on disk is gone: /opt/feedd no longer exists")
			p.wants("reload", 0, "", "signal 70 hangup")
			p.signalled = nil
			p.wants("stop", 0, "", "stop", "signal 70 terminated")
		})
	}
}
