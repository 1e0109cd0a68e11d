//go:build linux

package sockets_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// activated is the configuration of a service that a connection starts, as a user without any
// capability, at a port below 1024.
func activated(port, restart string) string {
	return `[service]
user = "feed"
activation = "socket"
start_type = "manual"
restart.delay = "10ms"
` + restart + `
[[service.socket]]
name = "web"
listen = "tcp:127.0.0.1:` + port + `"

[[service.socket]]
name = "admin"
listen = "unix:/run/web/admin.sock"
mode = "0600"
`
}

// ask is one connection, and whether it was answered.
func (s *stage) ask(place string) (answered bool, said string) {
	s.t.Helper()
	_, said, code := s.sh("/usr/local/lib/agent ask " + place)
	return code == 0, said
}

func (s *stage) answered(places ...string) {
	s.t.Helper()
	for _, place := range places {
		if ok, said := s.ask(place); !ok {
			s.t.Fatalf("%s: %s\n%s", place, said, s.log())
		}
	}
}

func (s *stage) turnedAway(places ...string) {
	s.t.Helper()
	for _, place := range places {
		if ok, said := s.ask(place); ok || !strings.Contains(said, "refused") && !strings.Contains(said, "no such file") {
			s.t.Errorf("%s is answered (%v): %s", place, ok, said)
		}
	}
}

// unitIs compares the state of a unit.
func (s *stage) unitIs(unit, want string) {
	s.t.Helper()
	if got := s.property(unit, "ActiveState"); got != want {
		s.t.Errorf("%s is %s, want %s\n%s", unit, got, want, s.log())
	}
}

func (s *stage) property(unit, name string) string {
	s.t.Helper()
	return s.must("systemctl show --value --property=" + name + " -- " + unit)
}

func (s *stage) tells(command string, want ...string) {
	s.t.Helper()
	out, said, _ := s.sh(command)
	for _, w := range want {
		if !strings.Contains(out+said, w) {
			s.t.Errorf("%s does not say %q:\n%s%s", command, w, out, said)
		}
	}
}

const (
	webPlace   = "tcp:127.0.0.1:80"
	adminPlace = "unix:/run/web/admin.sock"
)

// Units of systemd listen for the service. All verbs treat them and the service as one thing,
// and a service that cannot start does not spin.
func TestSocketUnits(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		s := newStage(t, b)
		s.must("id feed >/dev/null 2>&1 || useradd --system feed")
		s.install(activated("80", ""))
		s.unitIs("web.socket", "active")
		s.unitIs("web:admin.socket", "active")
		s.unitIs("web.service", "inactive")
		s.tells("web status", "starts when somebody connects", "the next connection starts it: web.socket, web:admin.socket")

		s.answered(webPlace, adminPlace)
		s.unitIs("web.service", "active")
		if got := s.must("stat -c '%U %a' /run/web/admin.sock; awk '/^CapEff|^Uid/ {print $2}' /proc/$(cat /run/web/web.pid)/status | tr '\\n' ' '"); !strings.HasPrefix(got, "feed 600\n") || !strings.HasSuffix(got, " 0000000000000000") {
			t.Errorf("the file, the user and the capabilities: %s", got)
		}
		if got := s.property("web.service", "NFileDescriptorStore"); got != "0" {
			t.Errorf("%s descriptors are stored", got)
		}
		s.tells("web status", "is ready")
		s.tells("web install", "nothing has changed")

		l := s.load(webPlace, adminPlace)
		for _, r := range []round{restart, reload, kill, better, fails, restart} {
			r.act(s)
			s.ready()
			if saw := l.round(); saw.Refused > 0 || saw.Broken > 0 && !r.breaks || saw.Answered == 0 {
				t.Errorf("%s: %+v\n%s", r.name, saw, s.log())
			}
		}
		l.end()

		s.must("web stop")
		s.turnedAway(webPlace, adminPlace)
		s.unitIs("web.service", "inactive")
		s.unitIs("web.socket", "inactive")
		s.must("web start")
		s.unitIs("web.service", "inactive")
		s.answered(adminPlace, webPlace)

		s.drifts()
		s.moves()
		s.doesNotSpin()

		reboot, done := wait.Context(t, t.Context(), "a reboot")
		defer done()
		if err := b.Reboot(reboot); err != nil {
			t.Fatal(err)
		}
		s.unitIs("web.service", "inactive")
		s.answered("tcp:127.0.0.1:81")
		s.unitIs("web.service", "active")
		s.must("web uninstall --purge")
		s.turnedAway("tcp:127.0.0.1:81", adminPlace)
		if left := s.must("ls -A /etc/systemd/system /etc/systemd/system/sockets.target.wants 2>/dev/null | grep web; systemctl list-units --all --plain --no-legend 'web*'; ls -d /run/web 2>/dev/null; true"); left != "" {
			t.Errorf("uninstall leaves %s", left)
		}
	})
}

// drifts changes and removes the file of a socket unit.
func (s *stage) drifts() {
	s.t.Helper()
	for _, spoil := range []string{"sed -i s/SocketMode=0600/SocketMode=0666/ '/etc/systemd/system/web:admin.socket'", "rm '/etc/systemd/system/web:admin.socket'"} {
		s.must(spoil)
		s.tells("web status", "systemd's definition of the service is not what install would write now")
		s.tells("web doctor", "/etc/systemd/system/web:admin.socket is not what an install would write now")
		s.tells("web plan --diff", "+SocketMode=0600")
		s.must("web install")
		s.answered(webPlace, adminPlace)
	}
	s.must("systemctl disable web.socket")
	s.tells("web doctor", "does not listen from boot on for the service: web.socket")
	s.must("web install")
	if got := s.property("web.socket", "UnitFileState"); got != "enabled" {
		s.t.Errorf("web.socket is %s", got)
	}
}

// moves takes the service to another port.
func (s *stage) moves() {
	s.t.Helper()
	if err := s.b.Write("/etc/web/web.toml", []byte(activated("81", "")), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.must("web reload")
	s.answered(webPlace)
	s.tells("web status", "install --restart brings that in")
	s.must("web install")
	s.turnedAway(webPlace)
	s.answered("tcp:127.0.0.1:81")
}

// doesNotSpin has connections start a service that fails.
func (s *stage) doesNotSpin() {
	s.t.Helper()
	for restart, says := range map[string]string{
		"restart.max = 3": "the service has failed too often, and connections do not start it any more",
		"restart.policy = \"never\"\nrestart.max = -1": "connections have started the service more than 10 times within 10s",
	} {
		if err := s.b.Write("/etc/web/web.toml", []byte(activated("81", restart)), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.must("cp /usr/local/bin/web /root/good && web install --restart && web stop")
		s.put("fails", "/usr/local/bin/bad")
		s.must("mv /usr/local/bin/bad /usr/local/bin/web && web start")
		for s.property("web.socket", "ActiveState") != "failed" {
			if ok, _ := s.ask("tcp:127.0.0.1:81"); ok {
				s.t.Fatal("a bad version has answered")
			}
		}
		wait.Until(s.t, "the last process lets the socket go", func() bool {
			answered, said := s.ask("tcp:127.0.0.1:81")
			return !answered && strings.Contains(said, "refused")
		}, s.log)
		s.t.Log(restart, s.property("web.socket", "Result"), s.must("journalctl -u web --no-pager | grep -c 'this version is bad' || true"))
		s.tells("web status", "web.socket no longer listens: "+says, "web start makes it listen again")
		s.tells("web doctor", "web.socket no longer listens: "+says)
		s.must("mv /root/good /usr/local/bin/web")
		// systemd goes on counting connections: within 10 s the next one hits the limit again.
		wait.Until(s.t, "a good version answers", func() bool {
			s.must("web start")
			answered, _ := s.ask("tcp:127.0.0.1:81")
			return answered
		}, s.log)
		s.answered(adminPlace)
	}
}
