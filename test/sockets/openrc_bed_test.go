//go:build linux

package sockets_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Under OpenRC a service with sockets and supervise = true runs under the program's own
// supervisor. OpenRC's commands and ours find the right process in each state, also while the
// service is down, and nothing is left at the end.
func TestOpenRCOwnSupervisor(t *testing.T) {
	t.Parallel()
	bed.Each(t, "openrc", func(t *testing.T, b *bed.Bed) {
		s := newStage(t, b)
		const (
			nobody = "! pgrep -x web && ! pgrep supervise-daemo"
			ready  = `web status --json | grep '"ready": true'`
			killed = "cp /run/web/web.pid /tmp/pid; kill -9 $(cat /tmp/pid); "
		)
		until := func(script string) {
			t.Helper()
			wait.Until(t, script, func() bool { _, _, code := s.sh(script); return code == 0 }, s.log)
		}
		code := func(want int, script string) {
			t.Helper()
			if out, said, code := s.sh(script); code != want {
				t.Errorf("%s: code %d, want %d\n%s%s\n%s", script, code, want, out, said, s.log())
			}
		}

		// First it runs under supervise-daemon, and then, after another install, under our own
		// supervisor.
		s.install("[service]\nrestart.policy = \"always\"\n" + sockets)
		s.must("pgrep supervise-daemo && web status | grep 'web: tcp:127.0.0.1:8080, closed while the service restarts'")
		s.install(config + sockets)
		s.must("rc-service web restart && rc-service web status && ! pgrep supervise-daemo && " + ready + ` && web status --json | grep '"started_by": "openrc"'`)
		s.must("web status | grep 'sockets  web: tcp:127.0.0.1:8080, kept by its supervisor' && web status | grep 'admin: unix:/run/web/admin.sock, kept by its supervisor'")
		s.must("web doctor || { web doctor --json; false; }")

		// OpenRC's own restart keeps the sockets, too. When it is over, nobody lends them any
		// more.
		l := s.load("tcp:127.0.0.1:8080", "unix:/run/web/admin.sock")
		s.play(l, []round{{"rc-service restart", func(s *stage) { s.must("rc-service web restart") }, false}})
		l.end()
		until("! pgrep -f 'supervise .*--len[d]'")

		// A socket whose file was removed is found.
		s.must("rm /run/web/admin.sock")
		s.must("web doctor --json | grep -A3 socket-closed && web restart && test -S /run/web/admin.sock && web doctor")

		// The service is killed and restarted. Its supervisor is killed, and both are gone. It
		// is started again.
		s.must(killed)
		until("! cmp -s /run/web/web.pid /tmp/pid && " + ready)
		s.must("rc-service web status; kill -9 $(cat /run/web/web.supervisor.pid)")
		until(nobody)
		code(32, "rc-service web status")
		s.must(`web status --json | grep '"phase": "stopped"\|"phase": "failed"'; web start && rc-service web status && ` + ready)

		// A second start does nothing. A process that a person started is not taken for
		// OpenRC's.
		s.must("cp /run/web/web.pid /tmp/pid; rc-service web start; web start; cmp /run/web/web.pid /tmp/pid && web stop && " + nobody)
		code(3, "rc-service web status")
		s.must("setsid web run >/tmp/hand 2>&1 </dev/null &")
		until(ready)
		code(1, "rc-service web start")
		s.must(`web status --json | grep '"started_by": "hand"' && web stop && ` + nobody)

		// A service that does not stop is killed, with its supervisor.
		s.install(strings.Replace(config, `"1h"`, `"1s"`, 1) + sockets)
		s.must("web start; kill -STOP $(cat /run/web/web.pid) && web stop; " + nobody + " && web start")

		// When the supervisor has given up, the service counts as failed, and a start starts
		// it.
		s.install(strings.Replace(config, "restart.max = -1", "restart.max = 1", 1) + sockets)
		s.must("web restart && " + killed)
		until("! cmp -s /run/web/web.pid /tmp/pid && " + ready)
		s.must(killed)
		until("rc-service web status; test $? = 32 && ! pgrep -x web")
		s.must(`web status --json | grep '"phase": "failed"' && web status --json | grep '"gave_up": true'; web start && ` + ready)

		// Back under supervise-daemon.
		s.install("[service]\n" + sockets)
		s.must("web restart && pgrep supervise-daemo && ! test -e /run/web/web.supervisor.pid && " + ready + " && web doctor")
		s.must("web uninstall --purge && " + nobody + " && ! find /etc/runlevels /etc/init.d /run /var/lib /var/log -name 'web*' | grep .")

		// The sockets of a service with a user of its own are kept as well.
		s.must("useradd --system feed && mkdir -p /etc/web")
		s.install(strings.Replace(config, "[service]", "[service]\nuser = \"feed\"", 1) + sockets)
		l = s.load("tcp:127.0.0.1:8080", "unix:/run/web/admin.sock")
		s.play(l, []round{restart, kill, reload})
		l.end()
		s.must("web uninstall --purge && " + nobody)
	})
}
