//go:build linux

package test_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The playbook of examples/fleet brings releases to twelve machines, without a change. A bad
// release stops at the first machine, where the previous version runs again, and touches no
// other. A good one comes to the first machine, then to two more, then to all (incident 3;
// issue 11).
//
// Only ssh is replaced, by a script that runs the command in the bed.
func TestFleetOfTwelve(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 12)
	f.play("x", "--syntax-check").want(t, true)

	before := f.stand()
	bad := f.release("2 fails")
	for _, says := range []string{
		"rolled back, and the previous version runs:.*port 99999 is none",
		"refused, or failed, before the service was touched:.*use --force to try it again",
	} {
		p := f.play(bad)
		p.want(t, false, says)
		for i, now := range f.stand() {
			m := f.machines[i]
			if now.Version != "1" || !now.Ready {
				t.Errorf("%s: %+v", m.name, now)
			}
			switch first := i == 0; {
			case p.asked(m) != first:
				t.Errorf("%s was asked: %t\n%s", m.name, !first, p.out)
			case first && (len(now.versions.Failed) != 1 || now.versions.Failed[0].Version.Version != "2"):
				t.Errorf("%s: failed are %+v", m.name, now.versions.Failed)
			case !first && (now.versions.Last != nil || now.PID != before[i].PID):
				t.Errorf("%s was touched: process %d is %+v", m.name, before[i].PID, now)
			}
		}
	}

	good := f.release("3 good")
	f.play(good).want(t, true)
	after := f.stand()
	done := time.Time{}
	for _, batch := range [][2]int{{0, 1}, {1, 3}, {3, 12}} {
		ended := done
		for i := batch[0]; i < batch[1]; i++ {
			name, now := f.machines[i].name, after[i]
			l := now.versions.Last
			switch {
			case now.Version != "3" || !now.Ready || now.Trial != "" || now.versions.Confirmed.Version != "3":
				t.Errorf("%s: %+v", name, now)
			case l == nil || l.Result != upgrade.Confirmed || l.From.Version != "1":
				t.Errorf("%s: its last upgrade is %+v", name, l)
			case !l.Since.After(done):
				t.Errorf("%s: begun at %v, and those before were done at %v", name, l.Since, done)
			case l.Ended.After(ended):
				ended = l.Ended
			}
		}
		done = ended
	}
}

// The playbook is stopped half-way by a machine that cannot be reached, by a bad
// configuration, or by its own end in the middle of trials. The cause is removed and the
// playbook runs again. No machine is upgraded twice, and one more run changes nothing. It
// runs only with HOLDFAST_FLEET=long.
func TestFleetGoesOn(t *testing.T) {
	if os.Getenv("HOLDFAST_FLEET") != "long" {
		t.Skip("it takes a minute: HOLDFAST_FLEET=long")
	}
	f := newFleet(t, 12)
	release := f.release("2 good")
	stand := func(upgraded int) []stands {
		t.Helper()
		all := f.stand()
		for i, now := range all {
			want := "1"
			if i < upgraded {
				want = "2"
			}
			if now.Version != want || !now.Ready || now.Trial != "" {
				t.Errorf("%s is not %s: %+v", f.machines[i].name, want, now)
			}
		}
		return all
	}

	second, third := f.machines[1], f.machines[2]
	f.write(second.name, "#!/bin/sh\nexit 255\n", 0o700)
	f.play(release).want(t, false, second.name+`\]: UNREACHABLE`)
	stand(1)

	f.write(second.name, second.ssh(t), 0o700)
	f.ok(third.do("cp -p /etc/shipper.toml /etc/shipper.good; echo nonsense = 1 >>/etc/shipper.toml"))
	f.play(release).want(t, false, "the configuration is bad:.*service.nonsense")
	f.ok(third.do("mv /etc/shipper.good /etc/shipper.toml"))
	stand(2)

	fourth := f.machines[3]
	cmd, out, done := f.playing(release, "--extra-vars", "fleet_settle=5s")
	f.ok(cmd.Start())
	wait.Until(t, "the fourth is on trial", func() bool {
		return fourth.do(installed+`status --json | grep '"trial"'`) == nil
	})
	f.ok(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
	done()
	if strings.Contains(out.String(), "RECAP") {
		t.Errorf("it was through:\n%s", out)
	}
	f.play(release).want(t, true)

	after := stand(12)
	for i, now := range after {
		if l := now.versions.Last; l == nil || l.Result == upgrade.Confirmed && l.From.Version != "1" || len(now.versions.Failed) > 0 {
			t.Errorf("%s: %+v", f.machines[i].name, now.versions)
		}
	}
	p := f.play(release)
	p.want(t, true)
	if strings.Contains(p.out, "changed: [") {
		t.Errorf("it changed something once more:\n%s", p.out)
	}
	for i, now := range stand(12) {
		if now.PID != after[i].PID {
			t.Errorf("%s: process %d is %d now", f.machines[i].name, after[i].PID, now.PID)
		}
	}
}
