package initdtest

import (
	"io/fs"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// ID is the service of [Feedd].
var ID = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}

// Script is the script of [Feedd].
const Script = "/etc/init.d/feedd"

// Theirs is a script that holdfast did not make.
const Theirs = "#!/bin/sh\n# Made by somebody\n"

// Feedd returns a service with the defaults of a Config.
func Feedd() platform.Unit {
	const program = "/usr/local/bin/feedd"
	command := func(verb string, args ...string) []string {
		return append([]string{program, verb, "--scope", "system", "--manager", "none"}, args...)
	}
	return platform.Unit{
		ID:          ID,
		Description: "Feeds the shipper",
		Exec:        []string{program, "run"},
		Reload:      []string{program, "reload", "--direct"},
		Commands: platform.Commands{
			Check: command("check"), Status: command("status"), Stop: command("stop", "--kill"), Await: command("await"),
			Spawn: []string{program, "spawn"}, Supervise: command("supervise"),
		},
		StartTimeout: 30 * time.Second, StopTimeout: 20 * time.Second, ReloadTimeout: time.Minute,
		Restart: platform.Restart{Policy: platform.RestartOnFailure, Delay: 2 * time.Second, Max: 5, Window: time.Minute},
	}
}

// Everything returns a service that uses every setting that a script can honour, with awkward
// values.
func Everything() platform.Unit {
	u := Feedd()
	mask, core := fs.FileMode(0o077), uint64(0)
	u.Instance = "west"
	u.Exec = []string{"/opt/feed d/it's/feedd", "run", "", "a b", `say "hi" \o/`, "$HOME", "$(touch /tmp/x)", "`id`", ";", "-x=y", "naïve"}
	u.Env = map[string]string{"B": "two words", "A": "it's $(touch /tmp/x)\n`id` \\ \"", "EMPTY": "", "PATH": "/opt/bin"}
	u.User, u.Group = "feed", "feed-g"
	u.WorkingDirectory = "/srv/feed d"
	u.Umask = &mask
	u.StateDir = "/srv/state dir"
	u.After, u.Requires = []string{"postgresql.service", "network-online.target", "ntp"}, []string{"postgresql", "feedd@east"}
	u.Wants, u.NeedsNetwork = []string{"memcached.service"}, true
	u.Limits = platform.Limits{NoFile: 65536, NProc: 100, Core: &core, Nice: -5}
	u.Hardening.SupplementaryGroups = []string{"adm"}
	return u
}

// Steps returns a plan in short form: one step per line, with its undo after a bar.
func Steps(steps []platform.Step) string {
	var lines []string
	for _, s := range steps {
		parts := []string{strings.TrimSpace(string(s.Kind) + " " + s.Path + strings.Join(s.Argv, " "))}
		if s.Undo != nil {
			parts = append(parts, strings.Join(s.Undo, " "))
		}
		for _, back := range s.Back {
			parts = append(parts, string(back.Kind))
		}
		lines = append(lines, strings.Join(parts, " | "))
	}
	return strings.Join(lines, "\n")
}
