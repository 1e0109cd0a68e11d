//go:build linux

package kardianos_test

import (
	"fmt"
	"strings"
	"testing"
)

// Programs that work as public ones do, each with the feature that it depends on.
func publicPrograms(t *testing.T, s *stage) {
	for name, play := range map[string]func(*stage){"collector": collector, "updater": updater, "resolver": resolver} {
		t.Run(name, func(t *testing.T) {
			s := s.as(t, s.shop.get(t, "linux", name), "/opt/"+name)
			s.journal = "/var/" + name + ".journal"
			t.Cleanup(func() {
				s.try("pkill -9 -x " + name + "; rm -rf $J /etc/init.d/" + name + " /etc/systemd/system/" + name + ".service; systemctl daemon-reload")
			})
			play(s)
		})
	}
}

// Flags that are read after Adopt determine what is installed, by the program's own templates,
// under a name from a flag.
func collector(s *stage) {
	s.sh("echo $J >/etc/collector.conf")
	flags := " --config /etc/collector.conf --config-directory /etc/collector.d --service-name gauge"
	s.says("$P"+flags+" --service install", "option KillMode is unknown and has no effect")
	path, wants := "/etc/systemd/system/gauge.service", []string{
		`ExecStart=/opt/collector "--config" "/etc/collector.conf" "--config-directory" "/etc/collector.d" "--service-name" "gauge"`,
		"\nKillMode=mixed\n", "\nLimitNOFILE=4096\n", "\nStandardOutput=file:/var/log/gauge.out\n", "\nAfter=network-online.target ", `kill -HUP "$MAINPID"`,
	}
	if s.bed.Kind().Manager != "systemd" {
		path, wants = "/etc/init.d/gauge", []string{"/etc/collector.conf", "/var/log/gauge.out"}
	}
	unit := s.sh("cat " + path)
	for _, want := range wants {
		if !strings.Contains(unit, want) {
			s.Errorf("no %q in\n%s", want, unit)
		}
	}
	s.sh("$P --service-name gauge --service start")
	s.until("grep 'gauge from /etc/collector.conf, /etc/collector.d' $J")
	if s.bed.Kind().Manager == "systemd" {
		s.sh("systemctl reload gauge")
	} else {
		s.sh("pkill -HUP -x collector")
	}
	s.until("grep 'hung up' $J && test $(grep -c 'gauge from' $J) = 2")
	s.sh("$P --service-name gauge --service restart")
	s.until("grep stopped $J && grep terminated $J && test $(grep -c 'gauge from' $J) -ge 3 && test $(pgrep -cx collector) = 1")
	s.sh("$P --service-name gauge --service stop")
	s.until("test $(grep -c stopped $J) = 2 && ! pgrep -x collector")
	s.sh("$P --service-name gauge --service uninstall && ! test -e " + path)
	s.fails("$P --service-name gauge --service stop", "E! Failed to stop The Collector")
}

// By its status the program knows whether it is a service. After it has replaced its own file
// and restarted itself, the new version runs.
func updater(s *stage) {
	s.sh("$P >/run/updater.out 2>&1") // no service yet: it does its work, and ends
	s.says("cat /run/updater.out", "use -s install to have it run as a service on ")
	s.sh("rm $J; $P -s install")
	s.says("$P -s install", "it is installed already")
	s.until("grep running $J")
	s.sh("rm $J; $P -s restart")
	s.until("grep running $J")
	for round := range 2 {
		s.sh("cp $P $P.next && echo more >>$P.next && mv $P.next $P.new")
		want := strings.TrimSpace(s.sh("until ! test -e $P.new; do sleep 0.02; done; stat -c %s $P"))
		s.until(fmt.Sprintf("grep 'running of %s bytes' $J && test $(grep -c stop $J) -gt %d && grep 'status true <nil>' $J && ! grep 'no restart' $J", want, round))
		s.until("test $(pgrep -cx updater) = 1")
		s.settled("updater")
	}
	s.sh("$P -s uninstall")
	s.until("! pgrep -x updater")
	s.fails("$P -s restart", "not installed")
}

// Wrappers around the System and the Service, made before and after the init of another
// package adopts: ours is inside all of them.
func resolver(s *stage) {
	platform := map[string]string{"systemd": "linux-systemd", "sysv": "unix-systemv", "openrc": "linux-openrc"}[s.bed.Kind().Manager]
	s.says("$P kind", platform+" "+platform+" early The Resolver ")
	s.sh("mkdir -p /srv/resolver && cd /srv/resolver && $P install")
	s.sh("grep -rqs 'Made by holdfast' /etc/systemd/system/resolver.service /etc/init.d/resolver")
	s.says("$P status", "running")
	s.sh("test $(readlink /proc/$(cat /run/resolver/resolver.pid)/cwd) = /srv/resolver")
	if s.bed.Kind().Manager == "sysv" {
		s.says("$P kind", "main.linked")
		s.sh("ls /etc/rc2.d/S??resolver /etc/rc0.d/K??resolver && /etc/init.d/resolver status")
	}
	s.sh("$P stop")
	s.says("$P status", "stopped")
	s.sh("$P uninstall && ! ls /etc/rc?.d/*resolver /etc/init.d/resolver /etc/systemd/system/resolver.service")
	s.fails("$P status", "not installed")
}
