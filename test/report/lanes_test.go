//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// lanes returns a script that runs lanes of parts, as scripts/test.sh does.
func lanes(t *testing.T, lanes string) *exec.Cmd {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	script := "set -euo pipefail\n. ../../scripts/lanes.bash\n" + lanes + `
printf '%s\n' "${results[@]}"
exit "$lanes_failed"`
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = append(os.Environ(), "HEARTBEAT=1", "GRACE=1", "TMPDIR="+t.TempDir())
	return cmd
}

func TestLanes(t *testing.T) {
	dir := t.TempDir()
	cmd := lanes(t, "TMPDIR="+dir+`
meet() { echo "$1 begins"; echo >"$TMPDIR/$1.$3"; until [ -e "$TMPDIR/$2.$3" ]; do sleep 0.01; done; echo "$1 ends"; }
broken() { echo before; false; echo after; }
slow() { echo half-way; until [ -e "$TMPDIR/done" ]; do sleep 0.01; done; }
one() { part 'one meets two' meet one two 1; part 'it breaks' broken; leave_out 'the moon: no rocket'; part 'one again' meet one two 2; }
two() { part 'two meets one' meet two one 1; part 'two again' meet two one 2; }
three() { part 'slow' slow; }
run_lanes one two three`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text += lines.Text() + "\n"
		if strings.HasSuffix(lines.Text(), "s: slow: half-way") { // that it is at work was told
			if err := os.WriteFile(filepath.Join(dir, "done"), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
	for _, want := range []string{
		"  begins: one meets two\n", "\n=== one meets two\none begins\none ends\n", "\n=== two meets one\ntwo begins\ntwo ends\n",
		"\n=== it breaks\nbefore\n ", "  FAILED: it breaks, ", "\n=== one again\none begins\none ends\n", "s: slow: half-way\n",
		"\nFAILED   it breaks, ", "\nok       two again, ", "\nSKIPPED  the moon: no rocket\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// ctrl-C, or a signal that ends the script, ends everything that the script has started, also
// what ignores that signal.
func TestLanesEndWithTheScript(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := lanes(t, `
sleeper() { trap '' TERM; sleep 1000 & echo $! >`+dir+`/deaf.new; mv `+dir+`/deaf.new `+dir+`/deaf; wait; }
willing() { sleep 1000 & echo $! >`+dir+`/willing.new; mv `+dir+`/willing.new `+dir+`/willing; wait; }
one() { part 'deaf' sleeper; }
two() { part 'willing' willing; }
run_lanes one two`)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := func(name string) (pid int) {
				wait.Until(t, name+" sleeps", func() bool {
					text, err := os.ReadFile(filepath.Join(dir, name))
					pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
					return err == nil
				})
				return pid
			}
			deaf, willing := pid("deaf"), pid("willing")
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got, want := cmd.ProcessState.ExitCode(), 128+int(sig); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			wait.Until(t, "both are gone", func() bool { return gone(deaf) && gone(willing) })
		})
	}
}

// The script does not wait for a lane that somebody has killed, and fails.
func TestLaneThatDies(t *testing.T) {
	cmd := lanes(t, `
one() { part 'victim' true; kill -KILL "$(exec sh -c 'echo $PPID')"; }
run_lanes one`)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "FAILED   a lane died") {
		t.Errorf("ended with %v: %s", err, out)
	}
}

// gone is true for a zombie, because perhaps nobody reaps it.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
