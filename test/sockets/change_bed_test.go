//go:build linux

package sockets_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// The service changes from sockets that it opens itself to socket units, and back. Nobody can
// hand the sockets over, so install says that it refuses connections meanwhile. Nothing of the
// earlier installation is left, and the next restart refuses no connection.
func TestBetweenStoreAndUnits(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		s := newStage(t, b)
		preserve := "systemd.preserve_sockets = true\n"
		if strings.Contains(s.must("systemctl --version"), "systemd 252") {
			preserve = ""
		}
		const activation = "activation = \"socket\"\n"
		s.install(strings.Replace(config, "[service]\n", "[service]\n"+preserve, 1) + sockets)
		l := s.load("tcp:127.0.0.1:8080", adminPlace)
		for _, to := range []string{activation, preserve} {
			if err := b.Write("/etc/web/web.toml", []byte(strings.Replace(config, "[service]\n", "[service]\n"+to, 1)+sockets), 0o644); err != nil {
				t.Fatal(err)
			}
			const word = "stop the service, because its sockets change: connections are refused until it runs again"
			s.tells(0, "web plan", word)
			s.tells(0, "web install --restart", word)
			s.ready()
			l.round()
			units, stored := "", "2"
			if to == activation {
				units, stored = "web.socket\nweb:admin.socket", "0"
			}
			if got := s.must("systemctl list-units --plain --no-legend --type socket 'web*' | cut -d ' ' -f 1"); got != units {
				t.Errorf("units: %q, want %q", got, units)
			}
			s.stored("systemd", stored)
			s.tells(0, "web status", "web: tcp:127.0.0.1:8080, kept by systemd")
			if to == activation {
				s.stopsAsOne(l)
			}
			s.play(l, []round{restart})
		}
		l.end()
		s.must("web uninstall --purge")
		s.turnedAway("tcp:127.0.0.1:8080", adminPlace)
	})
}

// A stop of one socket is, in the same transaction, one of all sockets and of the service. When
// they were stopped one after the other, a connection to the next one started the service again:
// `install --restart` failed with "Job for web.socket canceled".
func (s *stage) stopsAsOne(l *clients) {
	s.t.Helper()
	for _, one := range []string{"web.socket", "web:admin.socket"} {
		s.must("systemctl stop " + one)
		if got := s.must("systemctl show --property ActiveState --value web.socket web:admin.socket web.service | xargs"); got != "inactive inactive inactive" {
			s.t.Errorf("%s was stopped, and the units are %s", one, got)
		}
		s.must("web start")
		s.ready()
	}
	l.round()
}
