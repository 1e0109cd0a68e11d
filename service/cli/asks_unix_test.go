//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// onSystemd lets systemctl of this test answer for the place, as for a service that runs. asked
// returns the commands that have been run since the last call, in short.
func (p *place) onSystemd() (asked func() []string) {
	p.t.Helper()
	bin, file := filepath.Join(p.dir, "bin"), filepath.Join(p.dir, "config", "systemd", "user", "feedd.service")
	log := filepath.Join(bin, "log")
	script := `#!/bin/sh
echo "${0##*/} $*" >>"` + log + `"
case "$*" in
*--version*) echo 'systemd 257 (257.1)' ;;
*" show "*" feedd.service") cat <<'EOF'
MainPID=70
NRestarts=0
Result=success
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
RestartUSecNext=100ms
FragmentPath=` + file + `
EOF
esac
`
	if err := os.Mkdir(bin, 0o755); err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{"systemctl", "journalctl", "loginctl", "readlink"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			p.t.Fatal(err)
		}
	}
	p.t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() (all []string) {
		content, err := os.ReadFile(log)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.Remove(log); err != nil {
			p.t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			words := slices.DeleteFunc(strings.Fields(line), func(w string) bool {
				return w == "--no-pager" || w == "--no-ask-password" || strings.HasPrefix(w, "--timestamp") || strings.HasPrefix(w, "--property=L")
			})
			all = append(all, strings.Join(words, " "))
		}
		return all
	}
}

// `status` ran twelve commands for a service that runs, and `reload` twenty-five. Each takes
// longer than everything else that the command does.
func TestIssue16_ALookAsksSystemdOnce(t *testing.T) {
	p := newPlace(t)
	asked := p.onSystemd()
	p.runs(feedd, "systemd")
	p.writes(feedd, platform.PhaseReady, nil)
	m := p.machine()
	m.System = native.System{}
	m.Manager = func(string) (platform.Manager, error) {
		return native.ManagerOn("systemd", native.System{}, native.Login{Home: p.dir, ConfigHome: filepath.Join(p.dir, "config")})
	}
	if err := p.runOn(t.Context(), m, "install", "--program", "/usr/sbin/feedd"); err != nil {
		t.Fatal(err, p.errs.String())
	}
	asked()
	const ours, other = "systemctl --user show feedd.service", "systemctl show feedd.service"
	for command, want := range map[string][]string{
		// One answer says that it is installed. The other ones come after the lock's.
		"status": {ours, ours, other},
		"reload": {ours, ours, ours, ours, "systemctl --user reload feedd.service", ours},
	} {
		if err := p.runOn(t.Context(), m, command); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if got := asked(); !slices.Equal(got, want) {
			t.Errorf("%s asked\n%s\nwant\n%s", command, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if said := p.out.String() + p.errs.String(); strings.Contains(said, "differs") {
			t.Errorf("%s: %s", command, said)
		}
	}
}
