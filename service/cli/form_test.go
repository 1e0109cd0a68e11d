package cli_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/singleton"
)

// All commands report the same fault in one form, VERB "NAME": REASON, without repetitions
// (issue 10).
func TestIssue10_OneFormOfErrors(t *testing.T) {
	const bad = `feedd.toml:2: service.stop_timout: unknown: did you mean "stop_timeout"?`
	for name, tt := range map[string]struct {
		so    func(*place)
		verbs []string
		says  string
	}{
		"a bad file": {
			func(p *place) { running(p); p.file(badKey) },
			[]string{"run", "install --program /usr/sbin/feedd", "plan --program /usr/sbin/feedd", "start", "restart", "reload"},
			bad,
		},
		"nobody runs": {nil, []string{"reload", "stop"}, "service is not running"},
		"who runs cannot be identified": {
			func(p *place) { p.held["feedd"] = singleton.Holder{} }, []string{"stop", "reload", "start", "uninstall"}, "cannot be identified",
		},
		"the manager fails": {func(p *place) { running(p); p.m.acts = errors.New("no way") }, []string{"start", "stop", "restart", "reload"}, "no way"},
		"no manager":        {func(p *place) { p.m = nil }, []string{"start", "restart", "install", "uninstall", "plan", "logs"}, "process 1 is bash"},
		"not ours": {
			func(p *place) {
				p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseReady, PID: 70, Definition: &platform.Definition{Path: "/etc/feedd"}}
			}, []string{"start", "stop", "restart", "reload", "uninstall"}, platform.ErrForeign.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range tt.verbs {
				p := newPlace(t)
				if tt.so != nil {
					tt.so(p)
				}
				_, err := p.run(strings.Fields(args)...)
				told := p.errs.String()
				told = told[strings.LastIndex(told, "Error: ")+1:]
				told = strings.TrimPrefix(told, "rror: ")
				verb, _, _ := strings.Cut(args, " ")
				form := fmt.Sprintf("%s %q: ", verb, "feedd")
				if !strings.HasPrefix(told, form) || strings.Count(told, form) != 1 || strings.Count(told, tt.says) != 1 || strings.Count(told, verb+": ") > 0 {
					t.Errorf("%s: %v\nis told as\n%s", args, err, told)
				}
			}
		})
	}
}
