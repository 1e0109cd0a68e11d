//go:build linux

package test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// fleet has some machines with the candidate, which is a service called shipper.
type fleet struct {
	t        *testing.T
	dir      string
	machines []*machine
}

type machine struct {
	name string
	b    *bed.Bed
}

// installed is the command line of the service.
const installed = "shipper --config /etc/shipper.toml "

func newFleet(t *testing.T, size int) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	first := &machine{"feed01", bed.Require(t, "sysvinit")}
	for program, remedy := range map[string]error{
		"python3":          first.do("command -v python3"),
		"ansible-playbook": exec.Command("ansible-playbook", "--version").Run(),
	} {
		if remedy == nil {
			continue
		}
		if os.Getenv(bed.RequireEnv) != "" {
			t.Fatalf("%s is missing: %v", program, remedy)
		}
		t.Skipf("%s is missing: apt-get install ansible-core, and `sudo make beds` for a root with Python: %v", program, remedy)
	}
	f := &fleet{t: t, dir: t.TempDir(), machines: make([]*machine, size)}
	f.machines[0] = first
	release := f.release("1 good")
	f.together(func(i int) error {
		if i > 0 {
			ctx, done := wait.Context(t, t.Context(), "boot")
			defer done()
			kind := first.b.Kind()
			b, err := bed.Boot(ctx, kind)
			if err != nil {
				return err
			}
			t.Cleanup(func() { f.ok(b.Close()) })
			f.machines[i] = &machine{fmt.Sprintf("feed%02d", i+1), b}
		}
		m := f.machines[i]
		return errors.Join(
			m.b.Put(release, "/usr/local/bin/shipper", 0o755),
			m.b.Write("/etc/shipper.toml", []byte("[service]\nstart_timeout = \"60s\"\n"), 0o644),
			m.do(installed+"install --start"),
		)
	})
	var hosts strings.Builder
	hosts.WriteString("[fleet]\n")
	for _, m := range f.machines {
		fmt.Fprintf(&hosts, "%s ansible_user=root ansible_ssh_executable=%s\n", m.name, f.write(m.name, m.ssh(t), 0o700))
	}
	f.write("hosts.ini", hosts.String(), 0o600)
	return f
}

// ssh is a script in place of ssh: it passes its last argument to the shell of the bed.
func (m *machine) ssh(t *testing.T) string {
	enter := m.b.Command(t.Context(), "/bin/sh", "-c")
	quoted := func(args []string) string {
		var all []string
		for _, a := range args {
			all = append(all, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
		}
		return strings.Join(all, " ")
	}
	return "#!/bin/sh\nfor command; do :; done\nPATH=/usr/bin:/bin exec env -i " +
		quoted(append(append(enter.Env, enter.Path), enter.Args[1:]...)) + ` "$command"` + "\n"
}

func (f *fleet) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) write(name, content string, mode fs.FileMode) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// together calls a function for each machine, all at the same time. Their numbers begin with
// 0.
func (f *fleet) together(do func(i int) error) {
	f.t.Helper()
	var all sync.WaitGroup
	failed := make([]error, len(f.machines))
	for i := range f.machines {
		all.Go(func() { failed[i] = do(i) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		f.t.Fatal(err)
	}
}

// release builds a version of the candidate that behaves as requested, and returns its path.
func (f *fleet) release(does string) string {
	f.t.Helper()
	program, err := buildCandidate()
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.write("shipper-"+strings.ReplaceAll(does, " ", "-"), string(content)+"\nholdfast-candidate: "+does+"\n", 0o755)
}

var buildCandidate = sync.OnceValues(func() (string, error) { return buildStatic("./behaviour/candidate") })

// run runs a script and returns its standard output.
func (m *machine) run(script string) (string, error) {
	ctx, done := context.WithTimeout(context.Background(), wait.Limit)
	defer done()
	stdout, stderr, code, err := m.b.Run(ctx, "/bin/sh", "-c", script)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: %s: code %d\n%s%s", m.name, script, code, stdout, stderr)
	}
	return strings.TrimSpace(stdout), err
}

func (m *machine) do(script string) error {
	_, err := m.run(script)
	return err
}

// stands describes the state of one machine.
type stands struct {
	PID      int
	Version  string
	Ready    bool
	Trial    string
	versions versions
}

type versions struct {
	Confirmed upgrade.Version
	Failed    []upgrade.Failure
	Last      *upgrade.Attempt
}

// stand returns the state of all machines.
func (f *fleet) stand() []stands {
	f.t.Helper()
	all := make([]stands, len(f.machines))
	f.together(func(i int) error {
		status, err := f.machines[i].run(installed + "status --json")
		if err == nil {
			err = json.Unmarshal([]byte(status), &all[i])
		}
		list, e := f.machines[i].run(installed + "versions --json")
		if e == nil {
			e = json.Unmarshal([]byte(list), &all[i].versions)
		}
		return errors.Join(err, e)
	})
	return all
}

// played is the outcome of a playbook.
type played struct {
	out string
	err error
}

// play runs the documented playbook for a release, with the inventory in f.dir.
func (f *fleet) play(release string, more ...string) played {
	f.t.Helper()
	cmd, out, done := f.playing(release, more...)
	defer done()
	err := cmd.Run()
	return played{out.String(), err}
}

// playing returns the command of the playbook, not started yet.
func (f *fleet) playing(release string, more ...string) (cmd *exec.Cmd, out *bytes.Buffer, done func()) {
	f.t.Helper()
	ctx, done := wait.Context(f.t, f.t.Context(), "the playbook")
	cmd = exec.CommandContext(ctx, "ansible-playbook", append([]string{
		"--inventory", filepath.Join(f.dir, "hosts.ini"), "upgrade.yml",
		"--extra-vars", "fleet_settle=1s fleet_release=" + release,
	}, more...)...)
	cmd.Dir = "../examples/fleet"
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + f.dir, "LC_ALL=C.UTF-8", "ANSIBLE_NOCOLOR=1", "ANSIBLE_NOCOWS=1",
		"ANSIBLE_SSH_ARGS=", "ANSIBLE_SSH_TRANSFER_METHOD=piped", "ANSIBLE_LOCAL_TEMP=" + filepath.Join(f.dir, "tmp"),
	}
	out = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, out, done
}

// want checks how the playbook ended, and what it printed.
func (p played) want(t *testing.T, well bool, says ...string) {
	t.Helper()
	if (p.err == nil) != well {
		t.Fatalf("it ended with %v\n%s", p.err, p.out)
	}
	for _, s := range says {
		if !regexp.MustCompile(s).MatchString(p.out) {
			t.Fatalf("it does not say %q\n%s", s, p.out)
		}
	}
}

// asked reports whether the playbook has reached a machine.
func (p played) asked(m *machine) bool { return strings.Contains(p.out, "["+m.name+"]") }
