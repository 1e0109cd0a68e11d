//go:build linux

package test_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

func onSysV(t *testing.T, fn func(t *testing.T, s shipped)) {
	bed.Each(t, "sysv", func(t *testing.T, b *bed.Bed) {
		putShipper(t, b)
		fn(t, shipped{t, b})
	})
}

// Every action in every state, with the exit codes of the LSB.
func TestSysVActions(t *testing.T) {
	t.Parallel()
	onSysV(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.must("$S install; useradd plain")
		act := func(code int, actions ...string) {
			t.Helper()
			for _, action := range actions {
				s.want(code, "/etc/init.d/shipper "+action)
			}
		}
		// Stopped.
		act(3, "status")
		act(0, "stop", "try-restart")
		act(3, "status") // try-restart did not start it
		act(7, "reload", "force-reload")
		act(0, "restart", "status", "stop") // which starts what does not run
		act(3, "status")
		act(2, "", "frobnicate", "start twice", "reload now")
		s.want(4, "su -s /bin/sh plain -c '/etc/init.d/shipper start'")
		// Running.
		act(0, "start", "start", "status", "reload", "force-reload")
		for _, action := range []string{"stop", "restart", "try-restart", "reload", "force-reload"} {
			s.want(4, "su -s /bin/sh plain -c '/etc/init.d/shipper "+action+"'")
		}
		s.want(0, "su -s /bin/sh plain -c '/etc/init.d/shipper status'")
		s.want(0, `old=$(cat /run/shipper/shipper.pid); /etc/init.d/shipper restart && test "$old" != "$(cat /run/shipper/shipper.pid)"`)
		s.want(0, `old=$(cat /run/shipper/shipper.pid); /etc/init.d/shipper try-restart && test "$old" != "$(cat /run/shipper/shipper.pid)"`)
		s.want(0, "service shipper status") // which has an environment of its own
		// With a bad configuration nothing is stopped, and a reload says no.
		s.must("cp /etc/shipper.toml /root/good.toml; echo 'stop_timout = 1' >>/etc/shipper.toml; cp /run/shipper/shipper.pid /tmp/app.pid")
		act(1, "reload", "force-reload")
		s.configure("nonsense = 1\n")
		act(6, "restart")
		s.must("cmp /run/shipper/shipper.pid /tmp/app.pid")
		act(0, "stop") // asking needs no good file
		act(6, "start")
		s.must("printf '[shipper]\\ninputs = 7\\n' >/etc/shipper.toml")
		act(6, "start") // of the program's own table only the program knows
		act(3, "status")
		// Dead.
		s.must("cp /root/good.toml /etc/shipper.toml; /etc/init.d/shipper start; kill -9 $(cat /run/shipper/shipper.pid)")
		s.until("! pgrep -x shipper")
		act(1, "status")
		act(7, "reload")
		act(0, "stop")
		act(1, "status") // it is not for a stop to tidy up after a crash
		s.must("rm /run/shipper/shipper.pid")
		act(2, "status")
		act(0, "start", "status")
		s.must("$S uninstall --purge")
	})
}

// Nothing orders the calls of a script. A start between the two halves of a restart, or
// beside another start, starts a second process. That one is refused the name (75), and the
// call waits for the holder. Afterwards there is one instance, and it is ready. Only a
// start that the restart has stopped reports a failure.
func TestSysVStartsAtOnce(t *testing.T) {
	t.Parallel()
	onSysV(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.must("echo 'start_delay = \"1s\"' >>/etc/shipper.toml; $S install")
		for range 2 {
			s.must(`for verb in start restart start start; do (/etc/init.d/shipper $verb; echo $verb $? >>/tmp/app.codes) & done; wait
pgrep -x shipper >/tmp/app.pids; cmp /tmp/app.pids /run/shipper/shipper.pid && $S status --json | grep '"ready": true'`)
		}
		s.want(1, "grep -v -e ' 0$' -e '^start 1$' /tmp/app.codes")
	})
}

// A start that fails ends, leaves nothing behind, and says where to look.
func TestSysVFailedStart(t *testing.T) {
	t.Parallel()
	onSysV(t, func(t *testing.T, s shipped) {
		s.configure("start_timeout = \"1s\"\nstop_timeout = \"1s\"\n")
		s.must("$S install")
		// Stopped as a whole before it could do anything, even count time.
		s.must(`mv /usr/local/bin/shipper /usr/local/bin/real
cat >/usr/local/bin/shipper <<'end'
#!/bin/sh
[ "$1" != run ] || kill -STOP $$
exec /usr/local/bin/real "$@"
end
chmod 755 /usr/local/bin/shipper`)
		_, stderr, code := s.sh("/etc/init.d/shipper start")
		if code != 1 || !strings.Contains(stderr, "/var/log/shipper/output.log") {
			t.Errorf("code %d: %s", code, stderr)
		}
		s.want(1, "pgrep -f '^/bin/sh /usr/local/bin/shipper run|^/usr/local/bin/real'")
		// Killed at once: nobody waits for the whole timeout.
		s.configure("start_timeout = \"1h\"\n")
		s.must("mv /usr/local/bin/shipper /tmp/app.wrapper && cp /usr/local/bin/real /usr/local/bin/shipper && $S install")
		s.must("sed 's/kill -STOP/kill -KILL/' /tmp/app.wrapper >/tmp/app.new; chmod 755 /tmp/app.new; mv /tmp/app.new /usr/local/bin/shipper")
		s.want(1, "/etc/init.d/shipper start")
	})
}

// supervise = true, beyond what the behaviour scripts show.
func TestSysVSupervised(t *testing.T) {
	t.Parallel()
	onSysV(t, func(t *testing.T, s shipped) {
		const ready = `$S status --json | grep '"ready": true'`
		supervised := func(restart string) { s.configure("supervise = true\n[service.restart]\n" + restart) }
		gone := func() { t.Helper(); s.want(1, "pgrep -x shipper") }

		// Whatever the policy: a stop is a stop, also of one that is down for the moment.
		supervised("policy = \"always\"\ndelay = \"1h\"\n")
		s.must("$S install --start && test $(pgrep -cx shipper) = 2 && $S restart && $S stop")
		gone()
		s.must("$S start; kill -9 $(cat /run/shipper/shipper.pid)")
		s.until(`$S status --json | grep '"phase": "failed"' && $S status --json | grep '"number": 1'`)
		s.must("/etc/init.d/shipper stop")
		gone()
		s.must("$S start && $S stop")
		// Nor does a start wait for that.
		for _, start := range []string{"$S start", "/etc/init.d/shipper start"} {
			s.must("$S start; kill -9 $(cat /run/shipper/shipper.pid)")
			s.until(`$S status --json | grep '"phase": "failed"'`)
			s.must(start + " && " + ready + " && test $(pgrep -cx shipper) = 2 && $S stop")
		}

		// Killed, the supervisor takes the service down in order.
		s.must("$S start; kill -9 $(cat /run/shipper/shipper.supervisor.pid)")
		s.until("! pgrep -x shipper")
		s.must(`$S status --json | grep -A1 '"last_exit"' | grep '"clean": true'; $S start && $S stop`)

		// A start that ends for good is not repeated; one that fails is, until it works.
		supervised("delay = \"100ms\"\n")
		s.must("$S install && $S start && cp /etc/shipper.toml /root/good.toml && printf '[shipper]\\ninputs = 7\\n' >/etc/shipper.toml; kill -9 $(cat /run/shipper/shipper.pid)")
		s.until("! pgrep -x shipper")
		s.must("test $(grep -c 'not restarted' /var/log/shipper/output.log) = 1; cp /root/good.toml /etc/shipper.toml")
		s.must("$S start && " + ready + " && kill -HUP $(cat /run/shipper/shipper.supervisor.pid)")
		s.until(`$S status --json | grep '"completed": 1'`) // passed on

		// Too often within the window.
		supervised("delay = \"10ms\"\nmax = 2\nwindow = \"1h\"\n")
		s.must("$S stop; $S install && $S start")
		for range 2 {
			s.must("cp /run/shipper/shipper.pid /tmp/app.pid; kill -9 $(cat /run/shipper/shipper.pid)")
			s.until("! cmp -s /run/shipper/shipper.pid /tmp/app.pid && " + ready)
		}
		s.must("kill -9 $(cat /run/shipper/shipper.pid)")
		s.until("! pgrep -x shipper")
		s.must("grep 'too often' /var/log/shipper/output.log; $S uninstall --purge")
		gone()
	})
}
