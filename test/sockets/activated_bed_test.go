//go:build linux

package sockets_test

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// activated is the configuration of a service that a connection starts. It runs as a user
// without any capability, and its port is below 1024.
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

// ask makes one connection, and reports whether it was answered.
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

// tells runs a command that has to end with the exit code and to say all of want. If it ends otherwise, the test ends: what
// follows would wait for what the command has not done.
func (s *stage) tells(code int, command string, want ...string) {
	s.t.Helper()
	out, said, got := s.sh(command)
	if got != code {
		s.t.Fatalf("%s: code %d, want %d\n%s%s\n%s", command, got, code, out, said, s.log())
	}
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

// share selects the rounds that one of the two versions of systemd plays: every other one, or
// all of them with HOLDFAST_FAULTS=all.
func share[T any](b *bed.Bed, all ...T) (ours []T) {
	for i, one := range all {
		if os.Getenv("HOLDFAST_FAULTS") == "all" || (i%2 == 0) == (b.Kind().Version == "257") {
			ours = append(ours, one)
		}
	}
	return ours
}

// Units of systemd listen for the service. All commands treat them and the service as one
// thing. A service that cannot start is not started again and again.
func TestSocketUnits(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		s := newStage(t, b)
		s.must("id feed >/dev/null 2>&1 || useradd --system feed")
		s.install(activated("80", ""))
		s.unitIs("web.socket", "active")
		s.unitIs("web:admin.socket", "active")
		s.unitIs("web.service", "inactive")
		s.tells(3, "web status", "starts on a connection", "the next connection starts it: web.socket, web:admin.socket")

		s.answered(webPlace, adminPlace)
		s.unitIs("web.service", "active")
		if got := s.must("stat -c '%U %a' /run/web/admin.sock; awk '/^CapEff|^Uid/ {print $2}' /proc/$(cat /run/web/web.pid)/status | tr '\\n' ' '"); !strings.HasPrefix(got, "feed 600\n") || !strings.HasSuffix(got, " 0000000000000000") {
			t.Errorf("the file, the user and the capabilities: %s", got)
		}
		if got := s.property("web.service", "NFileDescriptorStore"); got != "0" {
			t.Errorf("%s descriptors are stored", got)
		}
		s.tells(0, "web status", "is ready")
		s.tells(0, "web install", "nothing has changed")

		l := s.load(webPlace, adminPlace)
		for _, r := range share(b, restart, reload, kill, better, fails, restart) {
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
		afterReboot := s.listensFromBoot()

		reboot, done := wait.Context(t, t.Context(), "a reboot")
		defer done()
		if err := b.Reboot(reboot); err != nil {
			t.Fatal(err)
		}
		s.unitIs("web.service", "inactive")
		afterReboot()
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
	for _, spoil := range share(s.b, "sed -i s/SocketMode=0600/SocketMode=0666/ '/etc/systemd/system/web:admin.socket'", "rm '/etc/systemd/system/web:admin.socket'") {
		s.must(spoil)
		s.tells(0, "web status", "systemd's definition of the service differs from what install would write now")
		s.tells(3, "web doctor", "/etc/systemd/system/web:admin.socket differs from what an install would write now")
		s.tells(0, "web plan --diff", "+SocketMode=0600")
		s.must("web install")
		s.answered(webPlace, adminPlace)
	}
	s.must("systemctl disable web.socket")
	s.tells(3, "web doctor", "does not listen for the service after a boot: web.socket")
	s.must("web install")
	if got := s.property("web.socket", "UnitFileState"); got != "enabled" {
		s.t.Errorf("web.socket is %s", got)
	}
}

// moves moves the service to another port.
func (s *stage) moves() {
	s.t.Helper()
	if err := s.b.Write("/etc/web/web.toml", []byte(activated("81", "")), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.must("web reload")
	s.answered(webPlace)
	s.tells(0, "web status", "install --restart applies that")
	s.must("web install")
	s.turnedAway(webPlace)
	s.answered("tcp:127.0.0.1:81")
}

// doesNotSpin makes connections start a service that fails.
func (s *stage) doesNotSpin() {
	s.t.Helper()
	// A drop-in, because a slow machine does not start a service ten times within 10 s.
	const dropIn = "/run/systemd/system/web.socket.d/window.conf"
	const window = "mkdir -p $(dirname " + dropIn + ") && printf '[Socket]\\nTriggerLimitIntervalSec=1h\\n' >" + dropIn + " && systemctl daemon-reload && "
	for _, try := range share(s.b,
		[3]string{"restart.max = 3", "", "the service has failed too often, and connections no longer start it"},
		[3]string{"restart.policy = \"never\"\nrestart.max = -1", window, "connections have started the service more than 10 times within 1h"},
	) {
		restart, limit, says := try[0], try[1], try[2]
		if err := s.b.Write("/etc/web/web.toml", []byte(activated("81", restart)), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.must("cp /usr/local/bin/web /root/good && web install --restart && web stop")
		s.put("fails", "/usr/local/bin/bad")
		s.must(limit + "mv /usr/local/bin/bad /usr/local/bin/web && web start")
		l := s.load("tcp:127.0.0.1:81")
		wait.Until(s.t, "web.socket gives up", func() bool { return s.property("web.socket", "ActiveState") == "failed" }, s.log)
		// The first round ends when the socket is closed under the clients, so it contains
		// nearly all of them.
		if saw := l.round(); l.first.Answered+saw.Answered > 0 {
			s.t.Fatalf("a bad version has answered: %+v, %+v", l.first, saw)
		}
		l.end()
		wait.Until(s.t, "the last process lets the socket go", func() bool {
			answered, said := s.ask("tcp:127.0.0.1:81")
			return !answered && strings.Contains(said, "refused") && s.property("web.service", "ActiveState") == "failed"
		}, s.log)
		s.t.Log(restart, s.property("web.socket", "Result"), s.must("journalctl -u web --no-pager | grep -c 'this version is bad' || true"))
		s.tells(3, "web status", "web.socket no longer listens: "+says, "web start makes it listen again")
		s.tells(4, "web doctor", "web.socket no longer listens: "+says)
		s.must("mv /root/good /usr/local/bin/web && rm -f " + dropIn + " && systemctl daemon-reload")
		// systemd goes on counting connections, so within 10 s the next one reaches the limit
		// again.
		wait.Until(s.t, "a good version answers", func() bool {
			s.must("web start")
			answered, _ := s.ask("tcp:127.0.0.1:81")
			return answered
		}, s.log)
		s.answered(adminPlace)
	}
}
