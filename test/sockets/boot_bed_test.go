//go:build linux

package sockets_test

import (
	"fmt"
	"strings"
)

// listensFromBoot installs two more services whose units listen: a user's service that a
// connection starts, and an instance that also starts at boot. The function that it returns is
// for the time after a reboot, and removes both.
func (s *stage) listensFromBoot() (afterReboot func()) {
	s.t.Helper()
	uid, err := s.b.AddUser(s.t.Context(), "ann")
	if err != nil {
		s.t.Fatal(err)
	}
	file := fmt.Sprintf("/run/user/%d/web/admin.sock", uid)
	const anns, autos, autoFile = "tcp:127.0.0.1:8083", "tcp:127.0.0.1:8084", "/run/auto.sock"
	config := func(startType, place, file string) string {
		return fmt.Sprintf("[service]\nactivation = \"socket\"\nstart_type = %q\n[[service.socket]]\nname = \"web\"\nlisten = %q\n[[service.socket]]\nname = \"admin\"\nlisten = \"unix:%s\"\nmode = \"0600\"\n", startType, place, file)
	}
	for path, text := range map[string]string{"/etc/ann.toml": config("manual", anns, file), "/etc/auto.toml": config("auto", autos, autoFile)} {
		if err := s.b.Write(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	const ann, auto = "web --config /etc/ann.toml --scope user ", "web --config /etc/auto.toml --instance auto "

	s.as("ann", ann+"install --start && systemctl --user is-active web.socket web:admin.socket && ! systemctl --user is-active web.service")
	if got := s.must("stat -c '%U %a' " + file); got != "ann 600" {
		s.t.Errorf("the file of ann's socket: %s", got)
	}
	s.answered(anns, "unix:"+file)
	s.as("ann", ann+"status | grep 'web: "+anns+", kept by systemd' && "+ann+"restart && systemctl --user is-active web.service")
	s.answered(anns)
	s.as("ann", ann+"stop && ! systemctl --user is-active web.socket web.service")
	s.turnedAway(anns, "unix:"+file)
	s.as("ann", ann+"start && ! systemctl --user is-active web.service")
	if said, _, code, err := s.b.RunAs(s.t.Context(), "ann", "/bin/sh", "-c", "sed '/mode/s/.*/owner = \"root\"/' /etc/ann.toml >~/bad.toml && web --config ~/bad.toml --scope user check"); err != nil || code == 0 || !strings.Contains(said, "cannot be set for a user service") {
		s.t.Errorf("another owner: code %d, %s, %v", code, said, err)
	}

	s.must(auto + "install --start")
	s.answered(autos)

	return func() {
		s.t.Helper()
		s.must(auto + "status | grep 'web: " + autos + ", kept by systemd' && systemctl is-active web@auto.service web@auto.socket web@auto:admin.socket") // nobody has connected
		s.answered(autos, "unix:"+autoFile)
		s.as("ann", "systemctl --user is-active web.socket && ! systemctl --user is-active web.service")
		s.answered("unix:"+file, anns)
		s.as("ann", ann+"uninstall --purge")
		s.must(auto + "uninstall --purge")
		s.turnedAway(anns, autos, "unix:"+file, "unix:"+autoFile)
		if left := s.must("find /home/ann /run/user -name '*web*' ! -path '/proc/*'; ls " + autoFile + " 2>/dev/null; true"); left != "" {
			s.t.Errorf("uninstall leaves %s", left)
		}
	}
}

// as runs a script as a user. must runs it as root.
func (s *stage) as(user, script string) {
	s.t.Helper()
	out, said, code, err := s.b.RunAs(s.t.Context(), user, "/bin/sh", "-c", script)
	if err != nil || code != 0 {
		s.t.Fatalf("%s: code %d, %v\n%s%s", script, code, err, out, said)
	}
}
