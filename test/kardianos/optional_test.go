//go:build linux

package kardianos_test

import "testing"

// What a program gets if it asks for it: one instance, and a reload with an outcome while it
// serves.
func whatIsOptional(_ *testing.T, s *stage) {
	s.spec("feed", "reloads", `"Option": {"Singleton": true}`)
	s.sh("$P /etc/feed.json install && $P /etc/feed.json start")
	s.fails("$P /etc/feed.json run", "already running")
	reload := s.reload()
	s.sh(reload + " && grep 'reload$' $J")
	s.fails("touch $J.bad; "+reload, "")
	s.sh("rm $J.bad; kill -HUP $(cat /run/feed/feed.pid)")
	s.until("test $(grep -c 'reload$' $J) = 3")
	s.sh("test $(pgrep -cx agent) = 1 && $P /etc/feed.json stop")
	if s.bed.Kind().Manager == "sysv" { // LSB's codes
		s.fails("/etc/init.d/feed status; test $? = 0", "")
		s.sh("/etc/init.d/feed status >/dev/null; test $? = 3")
	}
}
