package migrate_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/migrate"
)

// A bare is a machine without files and commands. Plans made on it are for another machine.
type bare struct{ platform.System }

func (bare) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (bare) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
func (bare) Run(_ context.Context, argv ...string) (string, error) {
	return "", &platform.CommandError{Argv: argv, Code: -1, Err: fs.ErrNotExist}
}

// rendered returns the unit that holdfast writes for a configuration.
func rendered(t *testing.T, c service.Config) string {
	t.Helper()
	m, err := native.ManagerOn("systemd", bare{}, native.Login{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.Unit("/usr/bin/feedd", platform.ScopeSystem)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := m.Plan(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(steps, func(s platform.Step) bool { return s.Kind == platform.StepWriteFile })
	return string(steps[i].Content)
}

// A unit that holdfast wrote is read as the configuration that it was written for. So a switch
// means the same in both packages, and nothing is lost.
func TestOurOwnUnitComesBack(t *testing.T) {
	for name, c := range map[string]service.Config{
		"hardened": {User: "feed", Description: "Feeds"},
		"root":     {Hardening: service.Hardening{Capabilities: []string{"all"}}, Description: "Feeds"},
		"settings": {
			User: "feed", Group: "g", WorkingDirectory: "/srv/a b", Umask: "0077", Description: "100%", Env: map[string]string{"A": `b "c" %d`},
			NeedsNetwork: true, After: []string{"b", "c.target"}, StartType: platform.StartManual,
			Limits:    service.Limits{NoFile: 100, Memory: 1 << 30, Tasks: 20, CPU: 30, Nice: 3},
			Restart:   service.Restart{Policy: platform.RestartOnAbnormal, Max: platform.NoLimit, Success: []int{3}},
			Hardening: service.Hardening{PrivateTmp: service.Off, Capabilities: []string{"CAP_CHOWN"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.Name = "feedd"
			text := rendered(t, c)
			f, err := migrate.Read("feedd.service", text)
			if err != nil {
				t.Fatal(err)
			}
			var lost []string
			for _, l := range f.Lost {
				if l.Key != "ExecReload" && l.Key != "ReloadSignal" {
					lost = append(lost, l.Key+"="+l.Value)
				}
			}
			if len(lost) > 0 {
				t.Errorf("lost: %q", lost)
			}
			// Once more, with the lines that only systemd knows: they are said twice, and mean
			// the same.
			again := f.Config
			again.Systemd.Extra = slices.DeleteFunc(again.Systemd.Extra, func(line string) bool {
				return strings.Contains(text, "\n"+line+"\n")
			})
			if got := rendered(t, again); got != text {
				t.Errorf("%+v\n%s\nbecame\n%s", f.Config, text, got)
			}
		})
	}
}
