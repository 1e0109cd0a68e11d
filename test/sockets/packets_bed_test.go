//go:build linux

package sockets_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// Packets that arrive while there is no process are answered by the next one. Over restarts,
// kills and upgrades none is refused, and none is lost except those that a killed process had
// read.
func TestPackets(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"systemd257", "sysvinit"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, bed.Require(t, kind))
			s.put("packets", "/usr/local/bin/web")
			s.install(config + "\n[[service.socket]]\nname = \"dns\"\nlisten = \"udp:127.0.0.1:8053\"\n")
			l := s.load("udp:127.0.0.1:8053")
			better := round{"upgrade", func(s *stage) { s.upgrade("packets", 0) }, false}
			s.play(l, []round{restart, better, kill, reload, restart})
			l.end()
			s.must("web stop")
			s.turnedAway("udp:127.0.0.1:8053")
			s.must("web uninstall --purge")
		})
	}
}
