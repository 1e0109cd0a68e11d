//go:build linux

package test_test

import (
	"strings"
	"testing"
)

// act returns the command line that performs an action of the shipper by its script.
func (s shipped) act(action string) string {
	if s.b.Kind().Manager == "openrc" {
		return "rc-service shipper " + action
	}
	return "service shipper " + action
}

// A start returns when the service is ready, and not earlier.
func TestScriptsStartWhenReady(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.must("echo 'start_delay = \"4s\"' >>/etc/shipper.toml; $S install")
		const phase = `grep -q '"phase":"%"' /run/shipper/shipper.state.json`
		starting, ready := strings.Replace(phase, "%", "starting", 1), strings.Replace(phase, "%", "ready", 1)
		for _, start := range []string{s.act("start"), s.act("restart"), "$S start"} {
			s.must("$S stop; " + start + ` & start=$!
until ` + starting + ` 2>/dev/null; do kill -0 $start || exit 1; done
kill -0 $start && wait $start && ` + ready)
		}
		s.must("$S uninstall --purge")
	})
}

// A stop kills a service that does not end, and returns when it is gone. If the PID in the
// file now belongs to another process, that process is left alone.
func TestScriptsForcedStop(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		tables := map[string]string{"alone": "stop_timeout = \"1s\"\n"}
		if s.b.Kind().Manager == "sysv" {
			tables["supervised"] = "supervise = true\n" + tables["alone"]
		}
		for name, text := range tables {
			t.Run(name, func(t *testing.T) {
				s := shipped{t, s.b}
				s.configure(text)
				s.must(`$S install --start && cp /run/shipper/shipper.pid /tmp/app.pid && kill -STOP $(cat /tmp/app.pid)
` + s.act("stop") + ` && ! kill -0 $(cat /tmp/app.pid) && ! pgrep -x shipper && ! pgrep supervise-daemo`)
				s.must(s.act("start") + ` && $S status --json | grep -A3 '"last_exit"' | grep '"clean": false'; $S uninstall --purge`)
			})
		}
	})
}
