//go:build unix

package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// checkout is a machine on which the program is in somebody's checkout, with a directory to
// copy it to. Nobody else can write to either.
func checkout(t *testing.T) (p *place, image, bin string) {
	t.Helper()
	p = newPlace(t)
	// A temporary directory of a test is in a directory where everybody can write.
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip("no home directory to make one in that is ours alone: ", err)
	}
	top, err := os.MkdirTemp(home, ".feedd-test-") //nolint:usetesting // t.TempDir lies where everybody can write
	if err != nil {
		t.Skip("no home directory to make one in that is ours alone: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	if top, err = filepath.EvalSymlinks(top); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	if reason := cli.UnsafePath(top); reason != "" {
		t.Skip("our home directory is not ours alone: ", reason)
	}
	bin, image = filepath.Join(top, "bin"), filepath.Join(top, "src", "feedd")
	for _, dir := range []string{bin, filepath.Dir(image)} {
		if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // as such directories are
			t.Fatal(err)
		}
	}
	p.put(image, "the program")
	return p, image, bin
}

// runFrom is like run, for a process that was executed from image.
func (p *place) runFrom(image string, args ...string) error {
	m := p.machine()
	m.Program, m.Executable = "./feedd", func() (string, error) { return image, nil }
	return p.runOn(p.t.Context(), m, args...)
}

// Issue 10, section 7: `install --copy-to` copies the whole program with a defined mode, and
// installs the copy. A failure removes the copy.
func TestIssue10_7_CopyTo(t *testing.T) {
	p, image, bin := checkout(t)
	copied := filepath.Join(bin, "feedd")
	content := func() string {
		b, err := os.ReadFile(copied)
		if errors.Is(err, os.ErrNotExist) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}

	if err := p.runFrom(image, "plan", "--copy-to", bin, "--json"); err != nil || content() != "" {
		t.Errorf("a plan: %v, %q", err, content())
	}
	for _, want := range []string{`"kind": "copy-file"`, `"path": "` + copied + `"`, `"source": "` + image + `"`, `"mode": "0755"`} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("the plan lacks %s:\n%s", want, &p.out)
		}
	}
	if err := p.runFrom(image, "plan", "--copy-to", bin); err != nil || !strings.Contains(p.out.String(), "   "+copied+", mode 0755\n") {
		t.Errorf("%v: %s", err, &p.out)
	}

	p.m.steps = []platform.Step{{Kind: "unheard of", Describe: "what fails"}}
	if err := p.runFrom(image, "install", "--copy-to", bin); err == nil || content() != "" {
		t.Errorf("after a failure: %v, %q", err, content())
	}
	p.m.steps = nil
	if err := p.runFrom(image, "install", "--copy-to", bin); err != nil || content() != "the program" {
		t.Fatalf("%v, %q", err, content())
	}
	if info, err := os.Stat(copied); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v: %v", err, info.Mode())
	}
	if got := p.m.unit.Exec[0]; got != copied {
		t.Errorf("installed is %s, want %s", got, copied)
	}

	p.put(image, "the next one")
	p.m.steps = []platform.Step{{Kind: "unheard of", Describe: "what fails"}}
	if err := p.runFrom(image, "install", "--copy-to", bin); err == nil || content() != "the program" {
		t.Errorf("after a failure: %v, %q", err, content())
	}
	p.m.steps = nil
	if err := p.runFrom(image, "install", "--copy-to", bin); err != nil || content() != "the next one" {
		t.Errorf("%v, %q", err, content())
	}
}

// If somebody else could replace the program there, nothing is copied, and an existing link is
// not followed.
func TestIssue10_7_CopyToIsRefused(t *testing.T) {
	p, image, bin := checkout(t)
	in := func(name string) string { return filepath.Join(filepath.Dir(bin), name) }
	directory := func(name string, mode os.FileMode) string {
		if err := errors.Join(os.Mkdir(in(name), 0o755), os.Chmod(in(name), mode)); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	link := func(from, to string) string {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
		return from
	}
	victim := in("victim")
	p.put(victim, "theirs")
	taken := directory("taken", 0o755)
	link(filepath.Join(taken, "feedd"), victim)
	public := directory("public", 0o777)
	group := directory("group", 0o775)
	if os.Geteuid() == 0 { // our own group is nobody else
		if err := os.Chown(group, 0, 12345); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		args []string
		is   error // nil: usage
		says string
	}{
		"everybody's":              {[]string{"--copy-to", public}, files.ErrUntrusted, "others can write to " + public + " (mode 0777)"},
		"everybody's, sticky":      {[]string{"--copy-to", directory("sticky", 0o777|os.ModeSticky)}, files.ErrUntrusted, "others can write to"},
		"a group's":                {[]string{"--copy-to", group}, files.ErrUntrusted, "mode 0775"},
		"by a link of anybody's":   {[]string{"--copy-to", link(filepath.Join(public, "link"), bin)}, files.ErrUntrusted, "others can write to " + public},
		"what is not there":        {[]string{"--copy-to", in("nowhere")}, os.ErrNotExist, "create it first (install -d -m 0755 " + in("nowhere") + ")"},
		"a file":                   {[]string{"--copy-to", victim}, nil, "it is not a directory"},
		"onto a link":              {[]string{"--copy-to", taken}, files.ErrUntrusted, "feedd is not a regular file"},
		"beside another program":   {[]string{"--copy-to", bin, "--program", "/usr/bin/feedd"}, nil, "cannot be used with --program"},
		"for another manager's":    {[]string{"--copy-to", bin, "--manager", "fake"}, nil, ""},
		"below one that is closed": {[]string{"--copy-to", filepath.Join(victim, "x")}, nil, "victim/x"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a group's" && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			err := p.runFrom(image, append([]string{"install"}, tt.args...)...)
			if tt.says == "" { // the fake one is this machine's
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || len(p.did) > 0 {
				t.Errorf("%v, did %q; it does not say %q", err, p.did, tt.says)
			}
		})
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "theirs" {
		t.Errorf("%q, %v", b, err)
	}
}

// Issue 10, section 7: a program that cannot be installed from its place is refused. If a copy
// would solve this, the error has the command that installs it.
func TestIssue10_7_TheWayOutOfACheckout(t *testing.T) {
	p, image, _ := checkout(t)
	hidden := func(u platform.Unit) error {
		for _, arg := range u.Exec {
			if strings.HasPrefix(arg, filepath.Dir(filepath.Dir(image))) || strings.HasPrefix(arg, p.dir) {
				return platform.ErrBadUnit
			}
		}
		return nil
	}
	p.cfg.RuntimeDir, p.cfg.StateDir = "", ""
	p.m.refuses = hidden
	err := p.runFrom(image, "install", "--user", "al ice", "--start")
	if want := "install a copy: ./feedd install --start '--user=al ice' --copy-to /usr/local/bin"; err == nil || !strings.HasSuffix(err.Error(), "\n"+want) {
		t.Errorf("%v\ndoes not end in\n%s", err, want)
	}
	p.file("[service]\n")
	err = p.runFrom(image, "plan", "--config", p.cfg.File)
	want := "install copies: install -D -m 0644 " + p.cfg.File + " /etc/feedd/feedd.toml && ./feedd plan --config /etc/feedd/feedd.toml --copy-to /usr/local/bin"
	if err == nil || !strings.HasSuffix(err.Error(), "\n"+want) {
		t.Errorf("%v\ndoes not end in\n%s", err, want)
	}
	p.m.refuses = func(platform.Unit) error { return platform.ErrBadUnit }
	if err := p.runFrom(image, "plan"); err == nil || strings.Contains(err.Error(), "copy-to") {
		t.Errorf("where a copy does not help: %v", err)
	}
	if err := p.runFrom(image, "plan", "--program", "/usr/bin/feedd"); err == nil || strings.Contains(err.Error(), "copy-to") {
		t.Errorf("of another program: %v", err)
	}
}

// A program that the service's user cannot run is not installed.
func TestIssue10_7_TheServicesUserRunsTheProgram(t *testing.T) {
	p, image, _ := checkout(t)
	ofTheSystem(p)
	p.m.name = "sysv"
	if err := errors.Join(os.Chmod(image, 0o755), os.Chmod(filepath.Dir(image), 0o700)); err != nil {
		t.Fatal(err)
	}
	err := p.runFrom(image, "install", "--user", "alice")
	if err == nil || !strings.Contains(err.Error(), "the service's user, alice, cannot run "+image) || len(p.did) > 0 {
		t.Errorf("%v, did %q", err, p.did)
	}
}
