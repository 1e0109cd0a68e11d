package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// These are the groups of commands in the help.
const (
	groupLife         = "life"
	groupInstallation = "installation"
	groupDiagnosis    = "diagnosis"
	groupOther        = "other"
)

func (a *app) addGroups() {
	a.root.AddGroup(
		&cobra.Group{ID: groupLife, Title: "Life:"}, &cobra.Group{ID: groupInstallation, Title: "Installation:"},
		&cobra.Group{ID: groupDiagnosis, Title: "Diagnosis:"}, &cobra.Group{ID: groupOther, Title: "Other:"})
}

// addCommands adds all our commands except `run`.
func (a *app) addCommands() {
	a.add(groupLife, a.startCommand(), a.stopCommand(), a.restartCommand(), a.reloadCommand())
	a.add(groupInstallation,
		a.installCommand(), a.uninstallCommand(), a.planCommand(), a.upgradeCommand(), a.rollbackCommand(), a.versionsCommand(), a.migrateCommand())
	a.add(groupDiagnosis,
		a.statusCommand(), a.logsCommand(), a.checkCommand(), a.configCommand(), a.doctorCommand(), a.bugreportCommand(), a.alarmCommand(), a.fleetCommand())
	a.add(groupOther, a.versionCommand(), manCommand(a.root), completionCommand(), a.spawnCommand(), a.superviseCommand(), a.awaitCommand())
}

// add adds commands to the tree. An empty group means none.
func (a *app) add(group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		exemplify(cmd)
		a.adopt(cmd)
		a.root.AddCommand(cmd)
	}
}

// exemplify gives our examples to cmd and to all commands below it.
func exemplify(cmd *cobra.Command) {
	if cmd.Example == "" {
		cmd.Example = examples[cmd.CommandPath()]
	}
	for _, c := range cmd.Commands() {
		exemplify(c)
	}
}

// examples are the examples in help texts and manual pages, by command: see called.
var examples = map[string]string{ //nolint:gochecknoglobals // a table
	"install": "  PROGRAM install --start\n" +
		"  PROGRAM install --user feed --create-user --start\n" +
		"  PROGRAM install --config /etc/feed/feed.toml --dry-run\n" +
		"  PROGRAM install --adopt --start   # take over a definition that exists",
	"uninstall": "  PROGRAM uninstall\n  PROGRAM uninstall --purge   # and its data",
	"plan":      "  PROGRAM plan --manager launchd\n  PROGRAM plan --diff\n  PROGRAM plan --manager kubernetes | kubectl apply -f -",
	"upgrade": "  PROGRAM upgrade ./new-version\n" +
		"  PROGRAM upgrade ./new-version --settle 1m --tries 3",
	"migrate": "  PROGRAM migrate /etc/systemd/system/feed.service >/etc/feed/feed.toml\n" +
		"  systemctl cat feed | PROGRAM migrate -",
	"run":       "  PROGRAM run --runtime-dir /tmp/feed --state-dir /tmp/feed",
	"start":     "  PROGRAM start\n  PROGRAM start --timeout 1m",
	"stop":      "  PROGRAM stop\n  PROGRAM stop --kill --timeout 30s",
	"restart":   "  PROGRAM restart --timeout 1m",
	"reload":    "  PROGRAM reload && echo loaded",
	"rollback":  "  PROGRAM rollback\n  PROGRAM rollback --settle 1m",
	"versions":  "  PROGRAM versions\n  PROGRAM versions --json",
	"config":    "  PROGRAM config show\n  PROGRAM config print >feed.toml",
	"alarm":     "  PROGRAM alarm test",
	"fleet":     "  PROGRAM fleet status\n  PROGRAM fleet status --json",
	"version":   "  PROGRAM version --json",
	"man":       "  PROGRAM man /usr/local/share/man/man8",
	"status":    "  PROGRAM status\n  PROGRAM status --json",
	"logs":      "  PROGRAM logs -f\n  PROGRAM logs -n 100",
	"check":     "  PROGRAM check\n  PROGRAM check --manager openrc --json",
	"doctor":    "  PROGRAM doctor\n  PROGRAM doctor --json",
	"bugreport": "  PROGRAM bugreport -o report.tar.gz",

	"config show":   "  PROGRAM config show\n  PROGRAM config show --all --json",
	"config print":  "  PROGRAM config print >feed.toml",
	"alarm test":    "  PROGRAM alarm test",
	"fleet status":  "  PROGRAM fleet status\n  PROGRAM fleet status --cluster --watch",
	"fleet release": "  PROGRAM fleet release feed03",
	"fleet forget":  "  PROGRAM fleet forget feed03",
}

// helpOrVersion shows the help or, with --version, the version.
func (a *app) helpOrVersion() func(*cobra.Command, []string) error {
	version := a.root.Flags().Bool("version", false, "print the version, as the command version does")
	return func(cmd *cobra.Command, args []string) error {
		if *version {
			return a.printVersion(cmd, false)
		}
		return a.help(args)
	}
}

// called returns the example of a command. PROGRAM, with which every example of ours begins, is
// replaced by the path of the tree, wherever it is mounted. Other examples stay as they are.
func called(root, cmd *cobra.Command) string {
	if !strings.HasPrefix(cmd.Example, "  PROGRAM ") {
		return cmd.Example
	}
	return strings.ReplaceAll(cmd.Example, "PROGRAM", root.CommandPath())
}

// hideFlags hides the flags of all commands if they mean nothing to cmd, until show is called.
func hideFlags(root, cmd *cobra.Command) (show func()) {
	var hidden []*pflag.Flag
	if !aboutService(cmd) {
		root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				f.Hidden, hidden = true, append(hidden, f)
			}
		})
	}
	return func() {
		for _, f := range hidden {
			f.Hidden = false
		}
	}
}

// aboutService reports whether cmd is about a service, and not about its program alone.
func aboutService(cmd *cobra.Command) bool { return cmd.GroupID != groupOther }
