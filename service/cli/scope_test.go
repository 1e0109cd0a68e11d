package cli_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// scoped is a manager that has the service in some scopes.
type scoped struct {
	*manager
	name  string
	has   []platform.Scope
	fails error
}

func (s scoped) Name() string { return s.name }

func (s scoped) Status(_ context.Context, id platform.ID) (platform.Status, error) {
	return platform.Status{Manager: s.name, Phase: platform.PhaseStopped, Installed: slices.Contains(s.has, id.Scope)}, s.fails
}

// A command is about the requested scope, and by default about that of the caller, unless only
// the system has the service.
func TestChooseScope(t *testing.T) {
	const system, user = platform.ScopeSystem, platform.ScopeUser
	for name, tt := range map[string]struct {
		caller  platform.Scope
		flag    string
		code    platform.Scope // of Config
		manager string
		has     []platform.Scope
		broken  bool
		want    platform.Scope
	}{
		"root":                                   {caller: system, want: system},
		"root, the user has it":                  {caller: system, has: []platform.Scope{user}, want: system},
		"a user, nobody has it":                  {caller: user, want: user},
		"a user, he has it":                      {caller: user, has: []platform.Scope{user}, want: user},
		"a user, the system has it":              {caller: user, has: []platform.Scope{system}, want: system},
		"a user, both have it":                   {caller: user, has: []platform.Scope{user, system}, want: user},
		"a user, the manager does not answer":    {caller: user, broken: true, want: user},
		"a user, who says system":                {caller: user, flag: "system", has: []platform.Scope{user}, want: system},
		"root, who says user":                    {caller: system, flag: "user", want: user},
		"root, where the code says user":         {caller: system, code: user, want: user},
		"root, who says otherwise than the code": {caller: system, code: user, flag: "system", want: system},
		"a user without a manager":               {caller: user, manager: "none", want: user},
		"root without a manager":                 {caller: system, manager: "none", want: system},
		"a plan for Windows":                     {caller: user, manager: "scm", want: system},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Scope = tt.code
			m := p.machine()
			m.Scope = func() platform.Scope { return tt.caller }
			m.Manager = func(string) (platform.Manager, error) {
				if tt.manager == "none" {
					return nil, platform.ErrNoManager
				}
				s := scoped{p.m, tt.manager, tt.has, nil}
				if tt.broken {
					s.fails = errors.New("no bus")
				}
				return s, nil
			}
			args := []string{"status", "--json"}
			if tt.flag != "" {
				args = append(args, "--scope", tt.flag)
			}
			if err := p.runOn(t.Context(), m, args...); err != nil && !cli.Silent(err) {
				t.Fatal(err)
			}
			if got := p.json()["scope"]; got != string(tt.want) {
				t.Errorf("it is about the service of %v, want %v", got, tt.want)
			}
		})
	}
}
