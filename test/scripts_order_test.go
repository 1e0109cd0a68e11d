//go:build linux

package test_test

import (
	"strings"
	"testing"
)

// A service starts after the services that it requires are ready, and stops before they do.
func TestScriptsOrder(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.installTwo()
		s.boots()
		if s.b.Kind().Manager == "openrc" { // which keeps the order at any time
			s.must("rc-service shipper stop && ! pgrep -x shipper && rc-service shipper@two start && test $(pgrep -cx shipper) = 2")
		}
	})
}

// installTwo installs two services, the second of which requires the first.
func (s shipped) installTwo() {
	s.t.Helper()
	const second = `[service]
requires = ["shipper"]
after = ["network"]
[shipper]
inputs = ["/var/log/app.log"]
output = "/var/lib/shipper@two/out"
`
	if err := s.b.Write("/etc/two.toml", []byte(second), 0o644); err != nil {
		s.t.Fatal(err)
	}
	// Slow enough for the order to be visible.
	s.must(`printf 'start_delay = "700ms"\nstop_delay = "300ms"\n' | tee -a /etc/shipper.toml >>/etc/two.toml
$S install && shipper --config /etc/two.toml --instance two install`)
}

// boots makes the machine boot, shut down and boot again, and reads what the two services did
// meanwhile.
func (s shipped) boots() {
	s.t.Helper()
	for range 2 {
		if err := s.b.Reboot(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		s.until(`shipper --config /etc/two.toml --instance two status --json | grep '"ready": true'`)
		s.until(`$S status --json | grep '"ready": true'`)
	}
	// Two starts and one stop of each service, with the time at the beginning of each line.
	got := s.must(`for n in shipper shipper@two; do
	sed -n "s/^\([^ ]*\) \[INFO\]  \(starting\|ready\|stopping\|stopped\):.*/\1 $n \2/p" /var/log/$n/output.log
done | sort | cut -d' ' -f2-`)
	const (
		start = "shipper starting\nshipper ready\nshipper@two starting\nshipper@two ready\n"
		stop  = "shipper@two stopping\nshipper@two stopped\nshipper stopping\nshipper stopped\n"
	)
	if want := strings.TrimSpace(start + stop + start); got != want {
		s.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, command := range []string{"$S", "shipper --config /etc/two.toml --instance two"} {
		s.must(command + ` status --json | grep -A2 '"last_exit"' | grep '"clean": true'`)
	}
}
