//go:build linux

package test_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/test/bed"
)

// poison would create /tmp/x if any part of it were ever executed.
var poison = []string{
	"$(touch /tmp/x)", "`touch /tmp/x`", "'; touch /tmp/x; '", `"; touch /tmp/x; "`, "';touch /tmp/x;#", `\'; touch /tmp/x #`, "; touch /tmp/x",
	"\ntouch /tmp/x\n", "&& touch /tmp/x", "| touch /tmp/x", "& touch /tmp/x &", "${x:-$(touch /tmp/x)}", "$((`touch /tmp/x`))", "')\ntouch /tmp/x\n('",
	"\nEOF\ntouch /tmp/x\n", "'\"'\"'$(touch /tmp/x)'\"'\"'", "$'\\x27; touch /tmp/x'", ">/tmp/x", "$PATH", "\u0081\u0088$(touch /tmp/x)", "}\ntouch /tmp/x\n{",
}

// scripted is one script of the round trip. All its commands get the same text, and the probe
// prints what it received.
type scripted struct {
	name string
	unit platform.Unit
}

func scriptedUnits() []scripted {
	var units []scripted
	add := func(change func(*platform.Unit)) {
		name := fmt.Sprintf("quote-%03d", len(units))
		u := platform.Unit{
			ID:   platform.ID{Name: name, Scope: platform.ScopeSystem},
			Exec: []string{"/opt/pro be/it's/probe", "dump"},
			Env:  map[string]string{"PROBE_OUT": "/run/quoting/" + name},
		}
		change(&u)
		all := []string{"/usr/bin/true"}
		all = append(all, u.Exec[1:]...)
		u.Reload = all
		u.Commands = platform.Commands{
			Check: all, Stop: all, Await: all, Spawn: []string{"/usr/local/bin/shipper", "spawn"}, Supervise: all,
			Status: append([]string{"/usr/bin/false"}, u.Exec[1:]...),
		}
		units = append(units, scripted{name, u})
	}
	texts := append(slices.Clone(poison), awkward...)
	for _, s := range texts {
		add(func(u *platform.Unit) { u.Exec = append(u.Exec, s, "end"); u.Env["V"] = s })
	}
	for _, d := range awkwardDirs {
		add(func(u *platform.Unit) { u.WorkingDirectory = d; u.Exec[0] = d + "/probe" })
	}
	r := rand.New(rand.NewPCG(3, 4))
	draw := func() (s string) {
		for range 1 + r.IntN(4) {
			s += texts[r.IntN(len(texts))]
		}
		return s
	}
	for range 40 {
		add(func(u *platform.Unit) {
			u.Exec = append(u.Exec, draw(), draw(), draw())
			u.Env["A"], u.Env["B_2"], u.Env["_c"] = draw(), draw(), draw()
			u.Description = strings.Join(strings.Fields(sayable(draw(), "")), " ")
		})
	}
	return units
}

// The process gets every byte that the script contains, or `install` refuses it. No action
// ever executes any of it. Each manager runs every other script, and all of them with
// HOLDFAST_FAULTS=all.
func TestScriptQuoting(t *testing.T) {
	t.Parallel()
	of := 2
	if os.Getenv("HOLDFAST_FAULTS") == "all" {
		of = 1
	}
	for turn, manager := range []string{"sysv", "openrc"} {
		bed.Each(t, manager, func(t *testing.T, b *bed.Bed) {
			putShipper(t, b)
			installProbe(t, b, "/opt/probe")
			links := strings.Join(append(slices.Clone(awkwardDirs), "/opt/pro be/it's"), "\x00") + "\x00"
			cmd := b.Command(t.Context(), "xargs", "-0", "sh", "-ec", `mkdir -p /run/quoting; for d; do mkdir -p "$d"; ln /opt/probe "$d/probe"; done`, "sh")
			cmd.Stdin = strings.NewReader(links)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("directories: %v: %s", err, out)
			}
			var units []scripted
			refused := 0
			for i, s := range scriptedUnits() {
				if i%of != turn%of {
					continue
				}
				text, err := render(t, manager, s.unit)
				if err != nil {
					refused++
					continue
				}
				judge(t, text)
				if err := b.Write("/etc/init.d/"+s.name, text, 0o755); err != nil {
					t.Fatal(err)
				}
				units = append(units, s)
			}
			t.Logf("%d scripts, %d refused", len(units), refused)
			if len(units) < 100/of {
				t.Errorf("only %d scripts left to compare, %d were refused", len(units), refused)
			}
			// Hundreds of starts: their time is that of the test as a whole.
			out, stderr, _, err := b.Run(t.Context(), "sh", "-c", `cd /etc/init.d
# openrc-run 0.56 waits for ever for a child that ended before it knew its number.
act() {
	code=0
	timeout -k 5 60 ./$1 $2 || code=$?
	[ $code != 124 ] || { code=0; timeout -k 5 300 ./$1 $2 || code=$?; }
	return $code
}
for n in quote-*; do
	act $n start >/tmp/said 2>&1 || { echo "$n start: $?"; cat /tmp/said; }
done
for action in status reload stop; do
	for n in quote-*; do act $n $action >/dev/null 2>&1; done
done
ls /tmp/x* 2>/dev/null; true`)
			if err != nil {
				t.Fatal(err, stderr)
			}
			if out != "" {
				t.Errorf("failed, or left behind:\n%s", out)
			}
			answers := readAll(t, b, "/run/quoting")
			for _, s := range units {
				compareScript(t, s, answers[s.name])
			}
		})
	}
}

// judge lets a shell and shellcheck read the script, if this machine has them.
func judge(t *testing.T, script []byte) {
	t.Helper()
	for _, argv := range [][]string{{"dash", "-n", "/dev/stdin"}, {"shellcheck", "--norc", "-"}} {
		path, err := exec.LookPath(argv[0])
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, argv[1:]...)
		cmd.Stdin = strings.NewReader(string(script))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s\n%s", argv[0], err, out, script)
		}
	}
}

func compareScript(t *testing.T, s scripted, answer string) {
	t.Helper()
	var got struct {
		Argv, Env []string
		Dir       string
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Errorf("%s: no answer (%v): %+v", s.name, err, s.unit)
		return
	}
	if !slices.Equal(got.Argv, s.unit.Exec) {
		t.Errorf("argv %q, want %q", got.Argv, s.unit.Exec)
	}
	for name, value := range s.unit.Env {
		if !slices.Contains(got.Env, name+"="+value) {
			t.Errorf("%s=%q is not in the environment %q", name, value, got.Env)
		}
	}
	if want := filepath.Clean("/" + s.unit.WorkingDirectory); got.Dir != want {
		t.Errorf("directory %q, want %q", got.Dir, want)
	}
}
