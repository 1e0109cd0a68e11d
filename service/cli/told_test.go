package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// manifest is the record of the installation.
func (p *place) manifest() state.Manifest {
	p.t.Helper()
	m, err := state.ReadManifest(state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd"))
	if err != nil {
		p.t.Error(err)
	}
	return m
}

// A second install without --config or --user installed the service without a configuration,
// and as root.
func TestIssue10_5_InstallKeepsWhatItWasTold(t *testing.T) {
	p := newPlace(t)
	p.accounts = map[string]string{"alice": "5", "bob": "6"}
	file := filepath.Join(p.dir, "c.toml")
	p.put(file, "[service]\nuser = \"bob\"\n")
	p.wants("install --config "+file+" --user alice --program /opt/feedd", 0, "feedd is installed", "install")
	if u := p.m.unit; u.User != "alice" || !strings.Contains(strings.Join(u.Exec, " "), "/opt/feedd run --config "+file) {
		t.Fatalf("%+v", u)
	}
	first := p.m.unit.Exec
	p.wants("install", 0, " --program /opt/feedd --user alice (--no-config, --no-program, --no-user to undo that)", "install")
	if u := p.m.unit; u.User != "alice" || strings.Join(u.Exec, " ") != strings.Join(first, " ") {
		t.Errorf("the second one has user %q, %q", u.User, u.Exec)
	}
	p.wants("install --no-user", 0, "as in an earlier install: --config ", "install")
	if u := p.m.unit; u.User != "bob" { // the file's
		t.Errorf("taken back: user %q", u.User)
	}
	p.wants("install --user alice --no-config", 0, "--no-program", "install")
	if u := p.m.unit; u.User != "alice" || strings.Contains(strings.Join(u.Exec, " "), "--config") || u.Exec[0] != "/opt/feedd" {
		t.Errorf("%q %q", u.User, u.Exec)
	}
	p.wants("install --user bob --no-user", platform.ExitUsage, "--user and --no-user")
	if told := p.manifest().Told; len(told) != 2 || told["user"] != "alice" || told["program"] != "/opt/feedd" {
		t.Errorf("told %q", told)
	}
}

// The flags of the installation apply to all commands about it.
func TestIssue10_5_TheOtherCommandsKnowWhatInstallWasTold(t *testing.T) {
	p := newPlace(t)
	file, run := filepath.Join(p.dir, "c.toml"), filepath.Join(p.dir, "elsewhere")
	p.put(file, "[service]\nbogus = 1\n")
	if err := os.Mkdir(run, 0o755); err != nil {
		t.Fatal(err)
	}
	p.cfg.RuntimeDir = ""
	t.Setenv("HOME", p.dir)
	good := filepath.Join(p.dir, "good.toml")
	p.put(good, "")
	p.wants("install --runtime-dir "+run+" --config "+good, 0, "is installed", "install")
	p.wants("status --json", 3, "")
	if all := p.json(); all["config_file"] != good || all["runtime_dir"] != run {
		t.Errorf("%v", all)
	}
	p.put(good, "[service]\nbogus = 1\n") // gone bad: it is looked at and removed all the same
	p.wants("start", platform.ExitBadConfig, "service.bogus")
	p.wants("status", 3, "the next start will fail")
	p.wants("uninstall --purge --runtime-dir "+p.cfg.StateDir, 1, "it was not installed with --runtime-dir")
	p.wants("uninstall --purge", 0, "feedd is uninstalled", "remove", "remove all of /elsewhere", "remove all of /state")
	if _, err := os.Stat(filepath.Join(p.dir, "holdfast")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record is left: %v", err)
	}
}

// A record that is left after a removal by hand belongs to no installation.
func TestIssue10_5_ARecordOfWhatIsGone(t *testing.T) {
	p := newPlace(t)
	p.wants("install --program /opt/feedd", 0, "is installed", "install")
	p.m.st.Installed = false
	p.wants("install --program /opt/other", 0, "is installed", "install")
	p.wants("install", 0, "is installed", "install")
	if u := p.m.unit; u.Exec[0] == "/opt/other" || strings.Contains(p.errs.String(), "before") {
		t.Errorf("%q: %s", u.Exec, p.errs.String())
	}
}

// A failure leaves the record unchanged.
func TestIssue10_5_AFailedInstallIsNotRecorded(t *testing.T) {
	p := newPlace(t)
	p.m.steps = []platform.Step{{Kind: "bogus", Describe: "what nobody can do"}}
	p.wants("install --program /opt/feedd", 1, "unknown kind")
	if _, err := os.Stat(filepath.Join(p.dir, "holdfast")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a record: %v", err)
	}
	p.m.steps = nil
	p.wants("install --program /opt/feedd", 0, "is installed", "install")
	p.m.steps = []platform.Step{{Kind: "bogus", Describe: "what nobody can do"}}
	p.wants("install --program /opt/other", 1, "unknown kind")
	if got := p.manifest().Program; got != "/opt/feedd" {
		t.Errorf("recorded: %q", got)
	}
}

// If the record cannot be used, an install is refused, because it would forget the flags.
func TestIssue10_5_ARecordThatCannotBeRead(t *testing.T) {
	p := newPlace(t)
	path := state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	p.put(path, `{"format": 7}`)
	p.wants("install", 1, "its format is 7")
	p.wants("status", 3, "its format is 7")
	p.wants("start", 0, "", "start")
	p.wants("uninstall", 0, "is uninstalled", "remove")
}

// /etc/NAME/NAME.toml, or that of the user, is the configuration if it exists and no other one
// is named. Every command says which one is in force.
func TestIssue10_2_TheDefaultConfiguration(t *testing.T) {
	p := newPlace(t)
	for _, v := range []string{"HOME", "LocalAppData"} {
		t.Setenv(v, p.dir)
	}
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(p.dir, "config"))
	d, err := p.cfg.DirsFor(platform.ScopeUser)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Config, "feedd.toml")
	p.wants("status", 3, "none; there is no "+file)
	if err := os.MkdirAll(d.Config, 0o755); err != nil {
		t.Fatal(err)
	}
	p.put(file, "[service]\nstop_timeout = \"77s\"\n")
	p.wants("status", 3, "config  "+file)
	p.wants("install --program /opt/feedd", 0, "- the configuration is "+file, "install")
	if u := p.m.unit; u.StopTimeout.Seconds() != 77 || !strings.Contains(strings.Join(u.Exec, " "), "--config "+file) {
		t.Errorf("%v, %q", u.StopTimeout, u.Exec)
	}
	for _, args := range []string{"--help", "status --help", "help"} {
		p.wants(args, 0, "Configuration in force here: "+file+"\n")
	}
	other := filepath.Join(p.dir, "other.toml")
	p.put(other, "")
	p.wants("status --config "+other, 3, "config  "+other)
	p.put(file, "bogus")
	p.wants("check", platform.ExitBadConfig, file)
	p.prog = nil
	if _, err := p.run("run"); err == nil || !strings.Contains(err.Error(), "feedd.toml") {
		t.Errorf("run: %v", err)
	}
}
