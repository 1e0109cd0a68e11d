package cli_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// A reason that a manager gives for every end says nothing about this one.
func TestIssue11_AnEndIsToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		exit platform.Exit
		want string
	}{
		"systemd's":       {platform.Exit{Code: 3, Reason: "exit-code"}, "not clean: exit code 3"},
		"launchd's":       {platform.Exit{Code: 3, Reason: "exit code"}, "not clean: exit code 3"},
		"a signal":        {platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal: Killed"}, "not clean: killed by SIGKILL"},
		"the program's":   {platform.Exit{Code: 1, Reason: "port 99999 is none"}, "not clean: port 99999 is none, exit code 1"},
		"nobody's":        {platform.Exit{Code: -1, Reason: "killed or crashed without a trace"}, "not clean: killed or crashed without a trace"},
		"only the code":   {platform.Exit{Code: 3}, "not clean: exit code 3"},
		"a limit's":       {platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "oom-kill"}, "not clean: oom-kill, killed by SIGKILL"},
		"a code unknown":  {platform.Exit{Code: -1, Reason: "exit-code"}, "not clean: exit-code"},
		"said just so":    {platform.Exit{Code: 3, Reason: "exit code 3"}, "not clean: exit code 3"},
		"a clean end, so": {platform.Exit{Clean: true, Reason: "success"}, "clean: success"},
	} {
		p := newPlace(t)
		p.m.st.LastExit = &tt.exit
		_, _ = p.run("status")
		if got := p.out.String(); !strings.Contains(got, tt.want+"\n") {
			t.Errorf("%s: want %q in\n%s", name, tt.want, got)
		}
	}
}
