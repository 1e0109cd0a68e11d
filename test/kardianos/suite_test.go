//go:build linux

package kardianos_test

import (
	"strings"
	"testing"
)

// passed checks the outcome of a run of the library's tests.
func passed(t *testing.T, out string, names ...string) {
	t.Helper()
	for _, test := range append(names, "TestInstallRunRestartStopRemove", "TestRenderTemplate") {
		if !strings.Contains(out, "--- PASS: "+test) {
			t.Errorf("%s did not pass:\n%s", test, out)
		}
	}
}

// The library's own unchanged tests, including those that install and run a service.
func ownTests(t *testing.T, s *stage) {
	s = s.as(t, s.shop.get(t, "linux", "suite"), "/opt/suite.test")
	if s.bed.Kind().Manager == "sysv" { // whose name does not begin with linux-, with which that test has never passed
		passed(t, s.sh("cd /tmp && $P -test.v -test.skip TestPlatformName"), "TestRunInterrupt")
		return
	}
	passed(t, s.sh("cd /tmp && $P -test.v"), "TestRunInterrupt", "TestPlatformName")
}

// The library's unchanged examples.
func examples(t *testing.T, s *stage) {
	t.Run("logging", func(t *testing.T) {
		s := s.as(t, s.shop.get(t, "linux", "logging/main.go"), "/opt/logging")
		s.sh("$P -service install && grep -rqs 'Made by holdfast' /etc/systemd/system /etc/init.d")
		s.sh("$P -service start && pgrep -x logging && $P -service restart && pgrep -x logging")
		if s.bed.Kind().Manager == "systemd" {
			s.until("journalctl --no-pager -t GoServiceExampleLogging | grep 'Running under service manager'")
		}
		s.sh("$P -service stop && ! pgrep -x logging && $P -service uninstall")
	})
	t.Run("runner", func(t *testing.T) {
		s := s.as(t, s.shop.get(t, "linux", "runner/runner.go"), "/opt/runner")
		s.sh(`echo '{"Name": "runner", "DisplayName": "Runner", "Exec": "/bin/sh", "Args": ["-c", "echo did it >/run/did; while ! test -e /run/did.all; do sleep 0.1; done"]}' >/opt/runner.json; rm -f /run/did.all`)
		s.sh("$P -service install && $P -service start && touch /run/did.all")
		s.until("grep 'did it' /run/did && ! pgrep -x runner") // it stops itself when its program ends
		s.sh("$P -service stop; $P -service uninstall")
	})
	t.Run("simple", func(t *testing.T) {
		s := s.as(t, s.shop.get(t, "linux", "simple/main.go"), "/opt/simple")
		s.sh("$P >/dev/null 2>&1 & echo $! >/run/simple.hand")
		s.until("pgrep -x simple")
		s.sh("kill -TERM $(pgrep -x simple)")
		s.until("! pgrep -x simple")
	})
}

// stopPause starts the example of the library that takes 13 s to stop, while other parts are
// played. The function that it returns checks the end of it.
func stopPause(t *testing.T, s *stage) (end func(t *testing.T)) {
	t.Helper()
	s = s.as(t, s.shop.get(t, "linux", "stopPause/main.go"), "/opt/pause")
	s.sh("$P install && $P start && pgrep -x pause && (setsid sh -c \"$P stop; echo \\$? >/run/pause.code\" >/dev/null 2>&1 &)")
	return func(t *testing.T) {
		t.Helper()
		s := s.as(t, "", "/opt/pause")
		s.until("test -s /run/pause.code")
		s.sh("test $(cat /run/pause.code) = 0 && ! pgrep -x pause && $P uninstall && ! ls /etc/systemd/system/GoServiceExampleStopPause* /etc/init.d/GoServiceExampleStopPause*")
	}
}
