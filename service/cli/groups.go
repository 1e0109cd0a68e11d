package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// These are the groups of commands in the help.
const (
	groupLife         = "life"
	groupInstallation = "installation"
	groupDiagnosis    = "diagnosis"
)

func (a *app) addGroups() {
	a.root.AddGroup(
		&cobra.Group{ID: groupLife, Title: "Life:"}, &cobra.Group{ID: groupInstallation, Title: "Installation:"},
		&cobra.Group{ID: groupDiagnosis, Title: "Diagnosis:"})
}

// addCommands adds all our commands except `run`.
func (a *app) addCommands() {
	a.add(groupLife, a.startCommand(), a.stopCommand(), a.restartCommand(), a.reloadCommand())
	a.add(groupInstallation,
		a.installCommand(), a.uninstallCommand(), a.planCommand(), a.upgradeCommand(), a.rollbackCommand(), a.versionsCommand(), a.migrateCommand())
	a.add(groupDiagnosis,
		a.statusCommand(), a.logsCommand(), a.checkCommand(), a.configCommand(), a.doctorCommand(), a.bugreportCommand(), a.alarmCommand(), a.fleetCommand())
	a.add("", a.versionCommand(), manCommand(a.root), completionCommand(), a.spawnCommand(), a.superviseCommand(), a.awaitCommand())
}

// add adds commands to the tree. An empty group means none.
func (a *app) add(group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		if group != "" {
			cmd.GroupID, cmd.Example = group, examples[cmd.Name()]
		}
		a.adopt(cmd)
		a.root.AddCommand(cmd)
	}
}

// examples are the examples in help texts and manual pages: see called.
var examples = map[string]string{ //nolint:gochecknoglobals // a table
	"install": "  PROGRAM install --start\n" +
		"  PROGRAM install --user feed --create-user --start\n" +
		"  PROGRAM install --config /etc/feed/feed.toml --dry-run\n" +
		"  PROGRAM install --adopt --start   # take over a definition that exists",
	"uninstall": "  PROGRAM uninstall\n  PROGRAM uninstall --purge   # and its data",
	"plan":      "  PROGRAM plan --manager launchd\n  PROGRAM plan --diff",
	"upgrade": "  PROGRAM upgrade ./new-version\n" +
		"  PROGRAM upgrade ./new-version --settle 1m --tries 3",
	"migrate": "  PROGRAM migrate /etc/systemd/system/feed.service >/etc/feed/feed.toml\n" +
		"  systemctl cat feed | PROGRAM migrate -",
	"run":       "  PROGRAM run --runtime-dir /tmp/feed --state-dir /tmp/feed",
	"reload":    "  PROGRAM reload && echo taken",
	"status":    "  PROGRAM status\n  PROGRAM status --json",
	"logs":      "  PROGRAM logs -f\n  PROGRAM logs -n 100",
	"check":     "  PROGRAM check\n  PROGRAM check --manager openrc --json",
	"doctor":    "  PROGRAM doctor\n  PROGRAM doctor --json",
	"bugreport": "  PROGRAM bugreport -o report.tar.gz",
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

// called returns the example of a command. In an example of ours, PROGRAM is replaced by the
// path of the tree, wherever it is mounted. Examples of the program's own commands stay as
// they are.
func called(root, cmd *cobra.Command) string {
	if cmd.Example != examples[cmd.Name()] {
		return cmd.Example
	}
	return strings.ReplaceAll(cmd.Example, "PROGRAM", root.CommandPath())
}
