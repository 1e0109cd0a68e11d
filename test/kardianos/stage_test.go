//go:build linux

package kardianos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// stage is a bed with the agent.
type stage struct {
	*testing.T
	bed  *bed.Bed
	shop *shop
	// program is the name of the agent: "agent", or "plain" for the unchanged library.
	program string
	journal string
}

type part struct {
	name string
	play func(t *testing.T, s *stage)
}

// parts are played on one bed of each kind, one after the other. Each leaves the bed
// unchanged.
func parts() []part {
	return []part{
		{"Life", life},
		{"WhatProgramsLeanOn", whatProgramsLeanOn},
		{"StartFails", startFails},
		{"WhatIsOptional", whatIsOptional},
		{"FaultsOfTheLibrary", faultsOfTheLibrary},
		{"MovingInPlace", movingInPlace},
		{"TheMigrationPage", theMigrationPage},
		{"CustomTemplates", customTemplates},
		{"PublicPrograms", publicPrograms},
		{"TheLibrarysOwnTests", ownTests},
		{"TheLibrarysExamples", examples},
	}
}

// TestOnBeds runs programs for that library on each init system.
func TestOnBeds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	shop := newShop(t)
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		if b.Kind().Manager == "scm" {
			onWindows(t, b, shop)
			return
		}
		s := &stage{T: t, bed: b, shop: shop, program: "/opt/agent", journal: "/var/agent.journal"}
		agent := shop.get(t, "linux", "agent")
		for _, path := range []string{"/opt/agent", "/opt/plain", "/opt/a b/agent", "/opt/a b/plain"} {
			s.put(agent, path)
		}
		end := stopPause(t, s)
		for _, part := range parts() {
			t.Run(part.name, func(t *testing.T) {
				halve(t, part.name, b)
				s := s.as(t, "", s.program)
				t.Cleanup(func() { s.clear("feed") })
				part.play(t, s)
			})
		}
		t.Run("stopPause", end)
	})
}

// halve skips a part that belongs to the other half of the bed tests: see [bed.Halve].
func halve(t *testing.T, part string, b *bed.Bed) {
	t.Helper()
	bed.Halve(t, part, slices.IndexFunc(bed.Known(), func(k bed.Kind) bool { return k.Name == b.Kind().Name }))
}

func (s *stage) put(file, path string) {
	s.Helper()
	if err := s.bed.Put(file, path, 0o755); err != nil {
		s.Fatal(err)
	}
}

// as returns the stage of another test, with a program, whose file is put there if there is
// one.
func (s *stage) as(t *testing.T, file, program string) *stage {
	t.Helper()
	other := *s
	other.T, other.program = t, program
	if file != "" {
		other.put(file, program)
	}
	return &other
}

// spec writes a file for the agent, from a JSON object without its braces.
func (s *stage) spec(name, does, fields string) {
	s.Helper()
	text := fmt.Sprintf(`{"Name": %q, "Description": "an agent", "Journal": %q, "Does": %q, "Arguments": ["/etc/%s.json"]`, name, s.journal, does, name)
	if fields != "" {
		text += ", " + fields
	}
	text += "}"
	var check map[string]any
	if err := json.Unmarshal([]byte(text), &check); err != nil {
		s.Fatalf("%s: %v", text, err)
	}
	file := filepath.Join(s.TempDir(), name+".json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	if err := s.bed.Put(file, "/etc/"+name+".json", 0o644); err != nil {
		s.Fatal(err)
	}
}

// try runs a shell script with the program as $P.
func (s *stage) try(script string) (out string, ok bool) {
	s.Helper()
	ctx, done := wait.Context(s, context.Background(), script)
	defer done()
	over := wait.Witness(s.scene)
	stdout, stderr, code, err := s.bed.Run(ctx, "/bin/sh", "-c", "P='"+s.program+"'\nJ="+s.journal+"\n"+script)
	seen := over()
	if err != nil {
		s.Fatalf("%s: %v\n%s%s", script, err, seen, s.scene())
	}
	return stdout + stderr, code == 0
}

// sh is try for a script that must succeed.
func (s *stage) sh(script string) string {
	s.Helper()
	out, ok := s.try(script)
	if !ok {
		s.Fatalf("%s failed:\n%s\n%s", script, out, s.scene())
	}
	return out
}

// says fails the test unless a script succeeds and prints want somewhere.
func (s *stage) says(script, want string) {
	s.Helper()
	if out := s.sh(script); !strings.Contains(out, want) {
		s.Fatalf("%s printed\n%s\nand no %q\n%s", script, out, want, s.scene())
	}
}

// fails fails the test unless a script fails and prints want somewhere.
func (s *stage) fails(script, want string) {
	s.Helper()
	if out, ok := s.try(script); ok || !strings.Contains(out, want) {
		s.Fatalf("%s: succeeded %v, printed\n%s\nwant %q", script, ok, out, want)
	}
}

// until waits for a script to succeed.
func (s *stage) until(script string) {
	s.Helper()
	var out string
	wait.Until(s, script, func() (ok bool) { out, ok = s.try(script); return ok }, func() string { return out + s.scene() })
}

// settled waits until no start or stop of the service is in progress: its answer, and what the
// program has written, may come before the caller is done.
func (s *stage) settled(name string) {
	s.Helper()
	// Each pattern contains a class, so that it does not match the shell whose arguments
	// contain it.
	s.until(fmt.Sprintf(`
		! pgrep -af '([o]penrc-run|[r]c-service|/bin/sh) .*[ /]%[1]s [a-z-]*(start|stop)' &&
		! pgrep -af '(agent|plain) (stop|restart) [-]-manager' && # whom the service has asked
		{ ! test -d /run/systemd/system || test -z "$(systemctl list-jobs --no-legend %[1]s.service)"; }`, name))
}

// reload runs the manager's own command.
func (s *stage) reload() string {
	return map[string]string{"systemd": "systemctl reload feed", "sysv": "/etc/init.d/feed reload", "openrc": "rc-service feed reload"}[s.bed.Kind().Manager]
}

// clear removes the service and its files.
func (s *stage) clear(name string) {
	s.Helper()
	s.settled(name)
	s.try(fmt.Sprintf(`
		there() { test -e /etc/systemd/system/%[1]s.service || test -e /etc/init.d/%[1]s; }
		if there; then $P /etc/%[1]s.json stop; $P /etc/%[1]s.json uninstall; fi
		for i in $(seq 250); do # a supervisor that is left starts another one
			pkill -9 -x supervise-daemo || pkill -9 -x agent || pkill -9 -x plain || break
			sleep 0.02
		done
		if there; then
			systemctl stop %[1]s; systemctl disable %[1]s; rc-update -a del %[1]s
			rm -f /etc/init.d/%[1]s /etc/systemd/system/%[1]s.service; systemctl daemon-reload
		fi
		systemctl reset-failed %[1]s
		rm -rf /etc/rc?.d/*%[1]s /etc/sysconfig/%[1]s $J $J.* /run/%[1]s /run/%[1]s.* /var/lib/%[1]s; true`, name))
}

// scene returns everything about the service that helps to find out why a test failed.
func (s *stage) scene() string {
	ctx, cancel := context.WithTimeout(context.Background(), wait.Limit)
	defer cancel()
	stdout, stderr, _, err := s.bed.Run(ctx, "/bin/sh", "-c", "cat "+s.journal+`; cat /run/*/*.state.json /var/log/*/output.log /etc/systemd/system/a*.service /etc/init.d/feed*
		ps -A -o pid,ppid,stat,etime,wchan:20,args; cat /proc/locks; journalctl -q -n 30 --no-pager`)
	return fmt.Sprint(stdout, stderr, err)
}
