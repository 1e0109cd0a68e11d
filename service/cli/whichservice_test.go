package cli_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// called records for which service a verb was called.
type called struct{ *manager }

func (c called) note(verb string, id platform.ID) error {
	c.p.note("%s %s of %s", verb, id, id.Scope)
	return nil
}

func (c called) Start(_ context.Context, id platform.ID) error   { return c.note("start", id) }
func (c called) Stop(_ context.Context, id platform.ID) error    { return c.note("stop", id) }
func (c called) Restart(_ context.Context, id platform.ID) error { return c.note("restart", id) }
func (c called) Reload(_ context.Context, id platform.ID) error  { return c.note("reload", id) }

func (c called) Removal(_ context.Context, id platform.ID) ([]platform.Step, error) {
	return nil, c.note("remove", id)
}

// --scope and --instance select the service for every verb, both for the manager and for the
// lock.
func TestScopeAndInstanceChooseTheService(t *testing.T) {
	for args, tt := range map[string]struct {
		code  int
		locks string // that were asked for, and no other
		did   string
	}{
		"start":                                   {0, "feedd", "start feedd of user"},
		"start --instance two":                    {0, "feedd@two", "start feedd@two of user"},
		"start --scope system":                    {0, "feedd", "start feedd of system"},
		"restart --instance two --scope system":   {0, "feedd@two", "restart feedd@two of system"},
		"stop --instance two":                     {0, "feedd@two", "stop feedd@two of user"},
		"stop --scope system":                     {0, "feedd", "stop feedd of system"},
		"reload --instance here":                  {0, "feedd@here", "reload feedd@here of user"},
		"reload --instance two":                   {1, "feedd@two", ""},
		"uninstall --instance two":                {0, "feedd@two", "remove feedd@two of user"},
		"uninstall --scope system --instance two": {0, "feedd@two", "remove feedd@two of system"},
		"start --instance two/three":              {platform.ExitUsage, "", ""},
		"start --scope --instance":                {platform.ExitUsage, "", ""},
	} {
		t.Run(args, func(t *testing.T) {
			p := newPlace(t)
			p.held["feedd@here"] = singleton.Holder{Identity: feedd}
			p.m.st.PID = feedd.PID
			m := p.machine()
			m.Manager = func(string) (platform.Manager, error) { return called{p.m}, nil }
			locks := map[string]bool{}
			holder := m.Holder
			m.Holder = func(o singleton.Options) (singleton.Holder, error) {
				locks[strings.TrimSuffix(o.Name, ".supervisor")] = true
				return holder(o)
			}
			err := p.runOn(t.Context(), m, strings.Fields(args)...)
			if code := cli.ExitCode(err); code != tt.code {
				t.Errorf("exit code %d, want %d: %v", code, tt.code, err)
			}
			if got := strings.Join(p.did, ", "); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
			if delete(locks, tt.locks); len(locks) > 0 {
				t.Errorf("asked for others, too: %v", locks)
			}
		})
	}
}

// The flag takes precedence over the instance in code, and an empty flag removes it.
func TestInstanceOfTheCode(t *testing.T) {
	for args, want := range map[string]string{"": "feedd@one", "--instance=two": "feedd@two", "--instance=": "feedd"} {
		p := newPlace(t)
		p.cfg.Instance = "one"
		p.wants("status --json "+args, 3, "")
		if got := p.json()["name"]; got != want {
			t.Errorf("%s: it is %v, want %s", args, got, want)
		}
	}
}

// A suggested command is about the same service, and can be typed as it is: with the path of
// the tree, and with scope and instance if they are not the default.
func TestNamedCommandsAreComplete(t *testing.T) {
	for name, tt := range map[string]struct {
		args   string
		caller platform.Scope
		host   bool
		want   string
	}{
		"plain":                {"", platform.ScopeUser, false, ": feedd install applies that"},
		"mounted":              {"", platform.ScopeUser, true, ": acme admin acme-agent install applies that"},
		"an instance":          {"--instance two", platform.ScopeUser, false, ": feedd install --instance two applies that"},
		"a user's, by root":    {"", platform.ScopeSystem, false, ": feedd install --scope user applies that"},
		"all":                  {"--instance two", platform.ScopeSystem, true, ": acme admin acme-agent install --instance two --scope user applies that"},
		"said, and as it is":   {"--scope user", platform.ScopeUser, false, ": feedd install applies that"},
		"mounted, an instance": {"--instance two", platform.ScopeUser, true, ": acme admin acme-agent install --instance two applies that"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.accounts = map[string]string{"alice": "5"}
			p.m.file, p.m.st.Enabled = filepath.Join(p.dir, "feedd.unit"), true
			file := filepath.Join(p.dir, "feedd.toml")
			p.put(file, "")
			args := strings.Fields(tt.args)
			p.wants(strings.Join(slices.Concat([]string{"install --program /opt/feedd --config", file}, args), " "), 0, "is installed")
			p.put(file, "[service]\nuser = \"alice\"\n")
			m := p.machine()
			m.Scope = func() platform.Scope { return tt.caller }
			root, line := cli.CommandOn(m, p.cfg, nil), append([]string{"status"}, args...)
			if tt.host {
				root, _ = host(root)
				line = append([]string{"admin", "acme-agent"}, line...)
			}
			text, _ := drive(t, root, line...)
			if !strings.Contains(text, tt.want+"\n") {
				t.Errorf("it does not say %q:\n%s", tt.want, text)
			}
		})
	}
}

// The error for an unknown command names the tree at its place, and similar commands.
func TestUnknownCommandsNameTheirTree(t *testing.T) {
	for args, hint := range map[string]string{"statsu": ": did you mean status?", "reloda": ": did you mean reload?", "galaxy": ""} {
		p := newPlace(t)
		for path, mounted := range map[string]bool{"feedd": false, "acme admin acme-agent": true} {
			root, line := cli.CommandOn(p.machine(), p.cfg, nil), []string{args}
			if mounted {
				root, _ = host(root)
				line = []string{"admin", "acme-agent", args}
			}
			_, err := drive(t, root, line...)
			if want := `unknown command "` + args + `" for "` + path + `"` + hint; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
}
