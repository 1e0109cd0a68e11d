package bed_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// traces has everything that a bed consists of, seen from the host.
type traces struct {
	name string
	dir  string
	pids string // PID namespace
}

func tracesOf(t *testing.T, kind bed.Kind, name string, leader int) traces {
	t.Helper()
	// Kept open, so that the namespace of the next bed does not get its number.
	held, err := os.Open("/proc/" + strconv.Itoa(leader) + "/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	space, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(held.Fd())))
	if err != nil {
		t.Fatal(err)
	}
	return traces{name: name, dir: filepath.Join(filepath.Dir(filepath.Dir(kind.Root)), "run", name), pids: space}
}

// left lists what is still left of a bed.
func (tr traces) left() []string {
	var left []string
	if _, err := os.Lstat(tr.dir); err == nil {
		left = append(left, tr.dir)
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(entry.Name(), tr.name) {
			left = append(left, path)
		}
		return nil
	})
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, tr.name) {
			left = append(left, line)
		}
	}
	machines, _ := filepath.Glob("/run/systemd/nspawn/*/*" + tr.name + "*")
	return append(append(left, machines...), tr.processes()...)
}

// processes lists those in the bed's PID namespace, and those that have its name on their command line.
func (tr traces) processes() []string {
	var left []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		space, _ := os.Readlink(filepath.Join(dir, "ns/pid"))
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if space == tr.pids || strings.Contains(string(line), tr.name) {
			left = append(left, fmt.Sprintf("%s: %q", dir, line))
		}
	}
	return left
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		b.MustRun(t, sh("setsid sleep 1000 >/dev/null 2>&1 &")...)
		cmd := b.Command(t.Context(), "sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tr := tracesOf(t, b.Kind(), b.Name(), b.Leader())
		if left := tr.left(); len(left) < 3 { // directory, control group, init
			t.Errorf("this test does not see what a bed is made of, only %q", left)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed with the bed
		if left := tr.left(); len(left) > 0 {
			t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
		}
		if err := b.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if err := b.PowerOn(t.Context()); err == nil {
			t.Error("a closed bed boots")
		}
	})
}

// ownerRole boots a bed, prints its name and init, and waits to be killed.
func ownerRole() int {
	kind, err := bed.Find(os.Getenv("BED_KIND"))
	if err != nil {
		return fail(err)
	}
	b, err := bed.Boot(context.Background(), kind)
	if err != nil {
		return fail(err)
	}
	fmt.Println(b.Name(), b.Leader())
	select {}
}

func TestBedDiesWithItsOwner(t *testing.T) {
	t.Parallel()
	for _, kind := range bed.Known() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			bed.Require(t, kind.Name) // skips; and runs beside the one that dies
			owner := role(t, "owner", "BED_KIND="+kind.Name)
			stdout, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			var name string
			var leader int
			line, _ := bufio.NewReader(stdout).ReadString('\n')
			if _, err := fmt.Sscan(line, &name, &leader); err != nil {
				t.Fatalf("owner says %q: %v", line, err)
			}
			tr := tracesOf(t, kind, name, leader)
			_ = owner.Process.Kill()
			_ = owner.Wait()
			wait.Until(t, "all processes of the bed are gone", func() bool { return len(tr.processes()) == 0 })

			// What a process cannot clean up because it was killed, the next one cleans up.
			if err := bed.Require(t, kind.Name).Close(); err != nil {
				t.Error(err)
			}
			if left := tr.left(); len(left) > 0 {
				t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}
