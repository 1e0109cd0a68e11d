package cli_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A script waits until the service that it has started is ready, as long as there is progress.
// The limits are short, because each look at the state file takes time on the real disk,
// whatever the clock in the bubble says.
func TestAwait(t *testing.T) {
	soon := func(d time.Duration, so func()) { time.AfterFunc(d, so) }
	for name, tt := range map[string]struct {
		so   func(*place)
		args string
		code int
		says string
	}{
		"ready": {func(p *place) { p.runs(feedd, "sysv"); p.writes(feedd, platform.PhaseReady, nil) }, "--starter sysv --pid 70", 0, ""},
		"ready soon": {func(p *place) {
			p.runs(feedd, "sysv")
			soon(time.Second, func() { p.writes(feedd, platform.PhaseReady, nil) })
		}, "--starter sysv --pid 70", 0, ""},
		"it reloads already": {func(p *place) { p.runs(feedd, "sysv"); p.writes(feedd, platform.PhaseReloading, nil) }, "--starter sysv --pid 70", 0, ""},
		"it ends":            {func(p *place) { p.runs(feedd, "sysv"); soon(time.Second, func() { p.ends(70) }) }, "--starter sysv --pid 70", 1, "ended before it was ready"},
		"it was never there": {func(*place) {}, "--starter sysv --pid 80", 1, "ended before it was ready"},
		"another is ready":   {func(p *place) { p.runs(feedd, "hand"); p.writes(feedd, platform.PhaseReady, nil) }, "--starter sysv --pid 60 --timeout 2s", 1, "took too long"},
		"it takes too long":  {func(p *place) { p.runs(feedd, "sysv") }, "--starter sysv --pid 70 --timeout 2s", 1, "it is not ready: took too long (2s)"},
		"it gets on": {func(p *place) {
			p.runs(feedd, "sysv")
			words := "x"
			for i := range 5 {
				soon(time.Duration(i)*1500*time.Millisecond, func() {
					words += "x"
					p.writes(feedd, platform.PhaseStarting, func(s *state.State) { s.StatusText = words })
				})
			}
			soon(7500*time.Millisecond, func() { p.writes(feedd, platform.PhaseReady, nil) })
		}, "--starter sysv --pid 70 --timeout 2s", 0, ""},
		"by a PID file": {func(p *place) {
			p.runs(feedd, "sysv")
			p.put(p.dir+"/pid", "")
			soon(time.Second, func() { p.put(p.dir+"/pid", "60\n"); p.writes(feedd, platform.PhaseReady, nil) })
		}, "--starter sysv --pid-file @/pid", 0, ""},
		"by a PID file of one that has crashed": {func(p *place) {
			p.runs(feedd, "sysv")
			p.put(p.dir+"/pid", "80\n")
			soon(time.Second, func() { p.put(p.dir+"/pid", "60\n"); p.writes(feedd, platform.PhaseReady, nil) })
		}, "--starter sysv --pid-file @/pid", 0, ""},
		"by a PID file that stays stale": {func(p *place) {
			p.runs(feedd, "sysv")
			p.put(p.dir+"/pid", "80\n")
			begun := time.Now()
			p.now = func() time.Time { return time.Now().Add(noon.Sub(begun)) }
		}, "--starter sysv --pid-file @/pid", 1, "ended before it was ready"},
		"by a PID file that never comes": {func(p *place) {
			p.runs(feedd, "sysv")
			begun := time.Now()
			p.now = func() time.Time { return time.Now().Add(noon.Sub(begun)) }
		}, "--starter sysv --pid-file @/pid", 1, "ended before it was ready"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				tt.so(p)
				p.wants("await "+strings.ReplaceAll(tt.args, "@", p.dir), tt.code, tt.says)
			})
		})
	}
}
