//go:build linux

// Package kardianos_test runs a program that is written for github.com/kardianos/service on
// holdfast.
package kardianos_test

import (
	"os"
	"strings"
	"testing"
)

// The life of a program that adopts: installed, ready, queried, stopped, removed.
func life(_ *testing.T, s *stage) {
	names := map[string]string{"systemd": "linux-systemd", "sysv": "unix-systemv", "openrc": "linux-openrc"}
	s.spec("feed", "status-in-start", `"DisplayName": "The Feed"`)
	platform := names[s.bed.Kind().Manager]
	s.says("$P /etc/feed.json platform", platform+" "+platform+" "+platform+" The Feed")
	s.says("$P /etc/feed.json status", "not installed")
	s.fails("$P /etc/feed.json uninstall", "not installed")
	s.sh("$P /etc/feed.json install")
	s.fails("$P /etc/feed.json install", "Init already exists: ")
	s.says("$P /etc/feed.json status", "stopped")
	s.sh("$P /etc/feed.json start && grep running $J") // it is ready when that returns
	s.says("$P /etc/feed.json status", "running")
	s.says("cat $J", `arguments ["/etc/feed.json"]`)
	s.says("cat $J", "interactive false")
	s.says("cat $J", "status in start true <nil>")
	switch s.bed.Kind().Manager { // where the library's scripts have it
	case "sysv":
		s.says("cat /var/log/feed.err", "printed while it starts")
	case "openrc":
		s.says("cat /var/log/agent.err", "printed while it starts")
	}
	s.sh("$P /etc/feed.json restart && test $(grep -c running $J) = 2 && grep stopped $J")
	s.sh("$P /etc/feed.json stop && test $(grep -c stopped $J) = 2")
	s.says("$P /etc/feed.json status", "stopped")

	// A nil Interface and a Name are enough to control the installed service, even if somebody
	// has edited its definition.
	s.sh("sed -i 's/an agent/edited by hand/' /etc/systemd/system/feed.service /etc/init.d/feed; systemctl daemon-reload; true")
	s.sh("$P /etc/feed.json bare start && test $(grep -c running $J) = 3")
	s.says("$P /etc/feed.json bare status", "running")
	s.sh("$P /etc/feed.json bare restart && test $(grep -c running $J) = 4 && $P /etc/feed.json bare stop && test $(grep -c stopped $J) = 4")
	s.says("$P /etc/feed.json bare status", "stopped")
	s.fails("$P /etc/feed.json bare run", "Interface is nil")
	s.fails("$P /etc/feed.json bare install", "Init already exists")
	if s.bed.Kind().Manager == "sysv" { // where nobody but the service itself keeps two starts from being two services
		s.sh(`for verb in start start restart start; do (/etc/init.d/feed $verb; echo $? >>/run/feed.codes) & done; wait
			test "$(pgrep -x agent)" = "$(cat /run/feed/feed.pid)" && ! grep -v '^0$' /run/feed.codes && rm /run/feed.codes
			$P /etc/feed.json stop && ! pgrep -x agent`)
	}
	s.sh("$P /etc/feed.json bare uninstall && ! ls /etc/systemd/system/feed.service /etc/init.d/feed")
	s.says("$P /etc/feed.json bare status", "not installed")
}

// What programs do while they run, and what happens then.
func whatProgramsLeanOn(t *testing.T, s *stage) {
	systemd := s.bed.Kind().Manager == "systemd"
	lives := map[string]func(*stage){
		// It has its own handler for SIGHUP, so nobody answers for it. It takes part in its
		// stop by RunWait, and is slow. It wraps the System afterwards.
		"late-wrap own-hup run-wait slow-stop": func(s *stage) {
			s.says("$P /etc/feed.json platform", "wrapped The Feed")
			s.sh("kill -HUP $(cat /run/feed/feed.pid)")
			s.until("grep 'own-hup came' $J")
			s.says("cat /run/feed/feed.state.json", `"phase":"ready"`)
			s.says("cat /run/feed/feed.state.json", `"requested":0`)
			s.sh("$P /etc/feed.json stop && grep -A1 waited $J | grep 'stop$' && grep stopped $J")
		},
		// It has no handler, and SIGHUP does not kill it. It sends its own READY=1. Its exit
		// in Stop is clean, because the phase was recorded before. It wraps the System before.
		"early-wrap own-ready exit-in-stop": func(s *stage) {
			s.says("$P /etc/feed.json platform", "wrapped The Feed")
			s.sh("kill -HUP $(cat /run/feed/feed.pid); sleep 0.2; kill -0 $(cat /run/feed/feed.pid)")
			s.says("cat /run/feed/feed.state.json", `"requested":0`)
			if systemd {
				s.until("grep 'own READY=1 <nil>' $J")
				s.until("systemctl show -p StatusText feed | grep 'its own words'")
			}
			s.sh("$P /etc/feed.json stop && grep 'stop$' $J && ! grep stopped $J")
			s.says("cat /var/lib/feed/feed.lastrun.json", `"clean":true`)
			s.says("$P /etc/feed.json status", "stopped")
		},
		// The manager's reload sends the signal that the program wants. The program's own PID
		// file stays its own.
		"own-usr1 own-pid": func(s *stage) {
			s.says("cat $J", "own PID file <nil>")
			s.sh(s.reload())
			s.until("grep 'own-usr1 came' $J")
			s.sh(`test "$(cat /run/feed.own)" = "$(cat /run/feed/feed.pid)"`)
			if systemd {
				s.sh(`test "$(systemctl show -p MainPID --value feed)" = "$(cat /run/feed.own)"`)
			}
			s.sh("$P /etc/feed.json stop && grep stopped $J")
		},
		// A goroutine that ends the process is a failure.
		"fatal": func(s *stage) {
			s.until("grep running $J && ! pgrep -x agent")
			s.sh("grep process /var/lib/feed/feed.lastrun.json && ! grep clean /var/lib/feed/feed.lastrun.json")
		},
		// A program that controls itself from inside gets the answer before its end, and its
		// Stop waits for that.
		"stop-itself": func(s *stage) {
			for round := range rounds() {
				if round > 0 {
					s.try("rm $J; $P /etc/feed.json start")
				}
				s.until("grep 'stop itself <nil>' $J && grep stopped $J && ! pgrep -x agent")
				s.until("$P /etc/feed.json status | grep stopped")
			}
		},
		// A program that uninstalls itself goes on until it ends by itself, unless a supervisor would restart it.
		"uninstall-itself":         func(s *stage) { s.uninstallsItself(s.bed.Kind().Manager == "openrc") },
		"uninstall-itself watched": func(s *stage) { s.uninstallsItself(!systemd) },
		"restart-itself": func(s *stage) {
			for round := range rounds() {
				if round > 0 {
					s.sh("$P /etc/feed.json stop; rm $J $J.again; $P /etc/feed.json start")
				}
				if s.bed.Kind().Manager == "openrc" { // which refuses a start until the restart is over
					s.sh("until grep 'restart itself <nil>' $J; do sleep 0.02; done; until grep stopped $J; do $P /etc/feed.json start || exit; done")
				}
				s.until("grep 'restart itself <nil>' $J && grep stopped $J && test $(grep -c running $J) = 2")
				s.says("$P /etc/feed.json status", "running")
			}
		},
	}
	for does, act := range lives {
		t.Run("does "+does, func(t *testing.T) {
			s := s.as(t, "", s.program)
			t.Cleanup(func() { s.clear("feed") })
			fields := `"DisplayName": "The Feed"`
			switch does {
			case "fatal": // else supervise-daemon starts it ten times
				fields += `, "Option": {"Restart": "no"}`
			case "uninstall-itself watched":
				fields += `, "Option": {"Restart": "always"}`
			case "own-usr1 own-pid":
				fields += `, "Option": {"ReloadSignal": "USR1", "PIDFile": "/run/feed.own"}`
			}
			s.spec("feed", does, fields)
			s.sh("$P /etc/feed.json install")
			if does == "fatal" || does == "stop-itself" || strings.HasPrefix(does, "uninstall-itself") {
				s.try("$P /etc/feed.json start") // it may be over before that returns
			} else {
				s.sh("$P /etc/feed.json start")
			}
			act(s)
		})
	}
}

// uninstallsItself expects a program that uninstalls itself to go on until it ends by itself or, if it is held, to be stopped
// before it is removed, with who watches it.
func (s *stage) uninstallsItself(held bool) {
	s.until("grep 'uninstall itself <nil>' $J")
	if held {
		s.until("$P /etc/feed.json status | grep 'not installed'")
		s.until("grep stopped $J && ! pgrep -x agent && ! pgrep -x supervise-daemo") // the kernel cuts its name
		s.sh("! ls /etc/init.d/feed && test $(grep -c running $J) = 1")
		return
	}
	s.says("$P /etc/feed.json status", "not installed")
	s.sh("! ls /etc/systemd/system/feed.service /etc/init.d/feed && pgrep -x agent && ! grep 'stop$' $J && pkill -TERM -x agent")
	s.until("grep stopped $J && ! pgrep -x agent")
}

// rounds is the number of repetitions of what fails only sometimes.
func rounds() int {
	if os.Getenv("HOLDFAST_FAULTS") == "all" {
		return 30
	}
	return 1
}

// If Start fails, Run returns that error, and no service runs.
func startFails(_ *testing.T, s *stage) {
	s.spec("feed", "fail-start", `"Option": {"Restart": "no"}`)
	s.sh("$P /etc/feed.json install")
	s.fails("$P /etc/feed.json start", "")
	s.sh("grep start $J && ! grep stop $J")
	if s.bed.Kind().Manager == "systemd" {
		s.until("journalctl -u feed --no-pager | grep 'no luck today'")
		s.says("$P /etc/feed.json status", "unknown\nerror: service in failed state")
	} else {
		s.says("$P /etc/feed.json status", "stopped")
	}
	s.fails("$P /etc/feed.json run", "no luck today")
}
