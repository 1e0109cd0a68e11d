//go:build linux || darwin

package behaviour_test

import (
	"context"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// slow is a machine on which everything takes long.
type slow struct {
	takes func(round int) time.Duration // 0: no round of the campaign
	round int
}

func (*slow) Kind() bed.Kind { return bed.Kind{Name: "slow", Manager: "openrc"} }

func (s *slow) Run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error) {
	script := argv[len(argv)-1]
	round := 0
	if strings.Contains(script, "rc-service shipper reload") {
		s.round++
		round = s.round
	}
	select {
	case <-time.After(s.takes(round)):
		return "", "", 0, nil
	case <-ctx.Done():
		return "", "", -1, ctx.Err()
	}
}

func (s *slow) RunAs(ctx context.Context, _ string, argv ...string) (stdout, stderr string, code int, err error) {
	return s.Run(ctx, argv...)
}
func (*slow) Put(string, string, fs.FileMode) error        { return nil }
func (*slow) AddUser(context.Context, string) (int, error) { return 1, nil }
func (*slow) Reboot(context.Context) error                 { return nil }

// failing is a test under test: it keeps the failure.
type failing struct {
	*testing.T
	failed bool
	log    strings.Builder
}

func (f *failing) Run(_ string, fn func(testscript.T)) {
	done := make(chan struct{})
	go func() { defer close(done); fn(f) }()
	<-done
}
func (f *failing) Parallel()       {}
func (f *failing) Verbose() bool   { return true }
func (f *failing) FailNow()        { f.failed = true; runtime.Goexit() }
func (f *failing) Log(args ...any) { f.log.WriteString(args[0].(string)) }
func (f *failing) Fatal(...any)    { f.FailNow() }

// start_reload_200 had 90 s for all its rounds, and failed on a machine on which each takes
// half a second. A round without an end must still fail.
func TestCampaignOnASlowMachine(t *testing.T) {
	play := func(t *testing.T, takes func(round int) time.Duration) (result *failing, m *slow) {
		m = &slow{takes: takes}
		synctest.Test(t, func(t *testing.T) {
			result = &failing{T: t}
			params := params(t, m)
			params.Dir, params.Files = "", []string{"testdata/start_reload_200.txtar"}
			// There is no real machine, so nothing has to be stopped at the end.
			params.Cmds["json"] = func(*testscript.TestScript, bool, []string) {}
			params.Cmds["code"] = params.Cmds["json"]
			svc := params.Cmds["svc"]
			params.Cmds["svc"] = func(ts *testscript.TestScript, _ bool, args []string) { svc(ts, false, args) }
			done := make(chan struct{})
			go func() { defer close(done); testscript.RunT(result, params) }()
			<-done
		})
		return result, m
	}
	result, m := play(t, func(round int) time.Duration { return time.Duration(min(round, 1)) * 30 * time.Second })
	if result.failed || m.round != rounds() {
		t.Errorf("failed %v after %d rounds:\n%s", result.failed, m.round, &result.log)
	}
	if !strings.Contains(result.log.String(), wait.Marker+"30s") {
		t.Errorf("nobody is told that it had to wait:\n%s", &result.log)
	}

	result, m = play(t, func(round int) time.Duration {
		if round == 31 {
			return 1000 * time.Hour
		}
		return time.Second
	})
	if !result.failed || m.round != 31 {
		t.Errorf("a round that hangs: failed %v after %d rounds:\n%s", result.failed, m.round, &result.log)
	}
}
