package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// People, scripts and installed units use commands and flags. They may be added to, and none
// is removed without an entry in the changelog.
func TestCommandsAndFlags(t *testing.T) {
	everywhere := []string{"config", "instance", "manager", "quiet", "runtime-dir", "scope", "state-dir", "timeout"}
	want := map[string][]string{
		"install":    {"adopt", "allow-writable-program", "copy-to", "create-user", "dry-run", "json", "no-allow-writable-program", "no-config", "no-copy-to", "no-host-flags", "no-program", "no-runtime-dir", "no-state-dir", "no-user", "program", "restart", "start", "user"},
		"uninstall":  {"purge", "purge-foreign"},
		"plan":       {"adopt", "allow-writable-program", "copy-to", "create-user", "diff", "json", "no-allow-writable-program", "no-config", "no-copy-to", "no-host-flags", "no-program", "no-runtime-dir", "no-state-dir", "no-user", "program", "user"},
		"start":      {},
		"stop":       {"kill"},
		"restart":    {},
		"reload":     {"direct", "no-wait"},
		"status":     {"all", "json", "ready", "watch"},
		"doctor":     {"json"},
		"logs":       {"follow", "json", "lines", "priority", "since"},
		"run":        {"as-root"},
		"version":    {"json"},
		"upgrade":    {"by", "canaries", "canary-settle", "conduct", "force", "in-turn", "json", "leader-last", "max-unavailable", "restart", "settle", "sha256", "tries", "turn-timeout"},
		"rollback":   {"by", "canaries", "canary-settle", "conduct", "force", "in-turn", "json", "leader-last", "max-unavailable", "restart", "settle", "tries", "turn-timeout"},
		"versions":   {"json"},
		"migrate":    {"all", "json"},
		"alarm":      {},
		"bugreport":  {"output"},
		"fleet":      {},
		"config":     {},
		"man":        {},
		"completion": {"no-descriptions"},
		// Installed scripts call these, and a script may be older than the program.
		"check":     {"json"},
		"await":     {"pid", "pid-file", "starter"},
		"supervise": {"delay", "lend", "max", "restart", "starter", "window"},
		"spawn": {
			"core", "directory", "ended", "group", "groups", "keep", "nice", "no-new-privileges", "nofile", "nproc", "output", "path", "restart",
			"sourced", "starter", "umask", "user",
		},
	}
	hidden := []string{"await", "supervise", "spawn"}
	root := cli.Command(service.Config{Name: "feedd"}, nil)
	if got := flagNames(root.PersistentFlags()); !slices.Equal(got, everywhere) {
		t.Errorf("flags of all commands: %q, want %q", got, everywhere)
	}
	for name, flags := range want {
		cmd, _, err := root.Find([]string{name})
		if err != nil || cmd == root {
			t.Errorf("there is no %s: %v", name, err)
			continue
		}
		if got := flagNames(cmd.LocalNonPersistentFlags()); !slices.Equal(got, flags) {
			t.Errorf("%s has %q, want %q", name, got, flags)
		}
		if cmd.Hidden != slices.Contains(hidden, name) {
			t.Errorf("%s: hidden %v", name, cmd.Hidden)
		}
	}
	for _, cmd := range root.Commands() {
		if _, known := want[cmd.Name()]; !known {
			t.Errorf("%s is new: write it down here, and what it promises in the documentation", cmd.Name())
		}
	}
}

func flagNames(set *pflag.FlagSet) []string {
	names := []string{}
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			names = append(names, f.Name)
		}
	})
	slices.Sort(names)
	return names
}

// Every command says in one line what it is for and has an example, and every flag says what
// it does.
func TestEverythingIsDescribed(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || strings.Contains(cmd.Short, "\n") {
			t.Errorf("%s is described as %q", cmd.CommandPath(), cmd.Short)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s is not described", cmd.CommandPath(), f.Name)
			}
		})
		if cmd.HasParent() && !cmd.Hidden && cmd.Name() != "help" && cmd.Name() != "completion" && cmd.Example == "" { // the text of completion is one
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(cli.Command(service.Config{Name: "feedd"}, nil))
}

// The values in code are the defaults of the flags.
func TestCodeIsTheDefault(t *testing.T) {
	cfg := service.Config{Name: "feedd", Description: "Feeds", File: "/etc/feedd.toml", RuntimeDir: "/srv/run", StateDir: "/srv/state", Instance: "two", User: "feed"}
	root := cli.Command(cfg, nil)
	for name, want := range map[string]string{
		"config": "/etc/feedd.toml", "runtime-dir": "/srv/run", "state-dir": "/srv/state", "instance": "two", "manager": "auto", "scope": "auto", "timeout": "0s",
	} {
		if f := root.PersistentFlags().Lookup(name); f.DefValue != want {
			t.Errorf("--%s begins with %q, want %q", name, f.DefValue, want)
		}
	}
	install, _, err := root.Find([]string{"install"})
	if err != nil || install.Flags().Lookup("user").DefValue != "feed" || root.Short != "Feeds" {
		t.Errorf("%v: %q", err, root.Short)
	}
	if plain := cli.Command(service.Config{Name: "feedd"}, nil); plain.Short != "the feedd service" {
		t.Errorf("without a description: %q", plain.Short)
	}
}
