//go:build linux

package kardianos_test

import (
	"fmt"
	"strings"
	"testing"
)

// both plays a script with the unchanged library, which must show its fault, and with a
// program that adopts, which must not have it. At the end the service is gone.
func both(t *testing.T, s *stage, name string, play func(t *testing.T, s *stage, adopts bool)) {
	t.Helper()
	for program, adopts := range map[string]bool{"/opt/plain": false, "/opt/agent": true} {
		t.Run(fmt.Sprintf("%s/adopts=%v", name, adopts), func(t *testing.T) {
			s := s.as(t, "", program)
			t.Cleanup(func() { s.clear("feed") })
			play(t, s, adopts)
		})
	}
}

// Each fault that was seen in the library shows without Adopt, and is gone with it.
func faultsOfTheLibrary(t *testing.T, s *stage) {
	systemd, sysv := s.bed.Kind().Manager == "systemd", s.bed.Kind().Manager == "sysv"
	both(t, s, "SIGHUP kills", func(_ *testing.T, s *stage, adopts bool) {
		s.spec("feed", "", `"Option": {"Restart": "no"}`)
		s.sh("$P /etc/feed.json install; $P /etc/feed.json start")
		s.until("grep running $J")
		s.sh("kill -HUP $(awk '/running/ {print $1}' $J | head -n 1)")
		if !adopts {
			s.until("! kill -0 $(awk '/running/ {print $1}' $J | head -n 1)")
			return
		}
		s.sh("sleep 0.3; kill -0 $(awk '/running/ {print $1}' $J | head -n 1)")
		s.sh("$P /etc/feed.json stop && grep stopped $J") // in order
	})
	both(t, s, "an install that is killed leaves half of it", func(_ *testing.T, s *stage, adopts bool) {
		if sysv && !adopts {
			return // the library makes the links itself, and there is no moment to be sure of
		}
		tool := map[string]string{"systemd": "systemctl", "sysv": "update-rc.d", "openrc": "rc-update"}[s.bed.Kind().Manager]
		tool = strings.TrimSpace(s.sh("readlink -f $(command -v " + tool + ")"))
		s.sh("T=" + tool + `; mv $T $T.whole; cat >$T <<end
#!/bin/sh
case "\$*" in *enable*feed* | *feed*defaults* | *add*feed*) kill -9 \$PPID ;; esac
exec $T.whole "\$@"
end
chmod 755 $T`)
		mended := fmt.Sprintf("test ! -e %[1]s.whole || mv %[1]s.whole %[1]s", tool)
		defer s.try(mended)
		s.spec("feed", "", "")
		s.fails("$P /etc/feed.json install", "")
		s.sh("ls /etc/systemd/system/feed.service /etc/init.d/feed 2>/dev/null | grep feed; " + mended)
		if !adopts {
			s.fails("$P /etc/feed.json install", "Init already exists")
			return
		}
		s.sh("$P /etc/feed.json install && $P /etc/feed.json start && ls -d /etc/systemd/system/*.wants/feed.service /etc/rc2.d/S??feed /etc/runlevels/default/feed 2>/dev/null | grep feed")
	})
	if systemd {
		both(t, s, "a path with a space never starts", func(t *testing.T, s *stage, adopts bool) {
			s.program = "/opt/a b" + s.program[len("/opt"):]
			s.spec("feed", "", "")
			out, _ := s.try(`"$P" /etc/feed.json install; "$P" /etc/feed.json start; sleep 0.5; cat $J`)
			if _, runs := s.try("grep running $J"); runs != adopts {
				t.Errorf("it runs: %v: %s", runs, out)
			}
		})
		both(t, s, "a unit with a root directory does not load", func(t *testing.T, s *stage, adopts bool) {
			s.spec("feed", "", `"ChRoot": "/srv/feed root"`)
			s.sh("mkdir -p '/srv/feed root'; $P /etc/feed.json install")
			out := s.sh("systemctl show -p RootDirectory feed")
			if (out == "RootDirectory=/srv/feed root\n") != adopts {
				t.Errorf("got %q", out)
			}
		})
	}
	if sysv {
		both(t, s, "a stop that hangs never times out", func(_ *testing.T, s *stage, adopts bool) {
			s.spec("feed", "hang-in-stop", `"Option": {"StopTimeout": "1s"}`)
			s.sh("$P /etc/feed.json run >/dev/null 2>&1 & echo $! >/run/feed.hand")
			s.until("grep running $J")
			s.sh("kill -TERM $(awk '/running/ {print $1}' $J)")
			if !adopts {
				s.until("grep 'stop$' $J")
				s.sh("sleep 1.5; kill -0 $(awk '/running/ {print $1}' $J)")
				return
			}
			s.until("! kill -0 $(awk '/running/ {print $1}' $J)")
		})
		both(t, s, "SIGTERM at readiness kills unstopped", func(t *testing.T, s *stage, adopts bool) {
			s.spec("feed", "term-in-start", "")
			s.try("$P /etc/feed.json run")
			s.sh("grep 'start feed' $J")
			if _, stopped := s.try("grep stopped $J"); stopped != adopts {
				t.Errorf("stopped in order: %v", stopped)
			}
		})
		both(t, s, "status executes an argument", func(t *testing.T, s *stage, adopts bool) {
			s.spec("feed", "", `"Arguments": ["/etc/feed.json", "--", "$(touch /run/owned)"]`)
			s.sh("rm -f /run/owned; $P /etc/feed.json install; $P /etc/feed.json status; true")
			if _, owned := s.try("test -e /run/owned"); owned == adopts {
				t.Errorf("executed: %v", owned)
			}
			if adopts {
				s.sh("$P /etc/feed.json start && grep -F 'touch /run/owned' $J && ! test -e /run/owned")
			}
		})
		both(t, s, "a reused number gets the signal", func(_ *testing.T, s *stage, adopts bool) {
			s.spec("feed", "", "")
			s.sh("$P /etc/feed.json install; $P /etc/feed.json start")
			s.until("grep running $J")
			s.sh("kill -9 $(awk '/running/ {print $1}' $J); sleep 1000 >/dev/null 2>&1 & echo $! >/run/other; for f in /run/feed.pid /run/feed/feed.pid; do ! test -e $f || cat /run/other >$f; done")
			s.try("$P /etc/feed.json stop")
			if adopts {
				s.sh("sleep 0.3; kill -0 $(cat /run/other)")
			} else {
				s.until("! kill -0 $(cat /run/other)")
			}
			s.try("kill $(cat /run/other)")
		})
		both(t, s, "an empty PID file runs for ever", func(t *testing.T, s *stage, adopts bool) {
			s.spec("feed", "", "")
			s.sh("$P /etc/feed.json install; mkdir -p /run/feed; : >/run/feed.pid; : >/run/feed/feed.pid")
			got := s.sh("$P /etc/feed.json status")
			if (got == "stopped\n") != adopts {
				t.Errorf("status is %q", got)
			}
			s.sh("rm -f /run/feed.pid")
		})
		both(t, s, "UserName is ignored", func(t *testing.T, s *stage, adopts bool) {
			s.spec("feed", "", `"UserName": "nobody"`)
			s.sh("$P /etc/feed.json install; : >$J; chmod 666 $J; $P /etc/feed.json start")
			s.until("grep running $J")
			user := s.sh("ps -o user= -p $(awk '/running/ {print $1}' $J)")
			if (user == "nobody\n") != adopts {
				t.Errorf("it runs as %q", user)
			}
		})
	}
}
