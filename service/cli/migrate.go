package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/migrate"
)

// maxDefinition is far more than any manager reads.
const maxDefinition = 1 << 20

func (a *app) migrateCommand() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "migrate FILE",
		Short: "Convert the definition of another service manager or wrapper",
		Long: "Read another definition and print a configuration file with the same settings. Comments name the settings that holdfast does not have. " +
			"FILE is a systemd unit, an init script, a launchd property list, a section [program:NAME] of supervisord, an XML file of WinSW, or a registry key " +
			"of NSSM as `reg export` writes it; - is standard input. Nothing is changed. If the definition is for this machine's manager, standard error shows what " +
			"`install --adopt` would do with that configuration. It keeps the old definition, and `uninstall` puts it back.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.migrate(cmd, args[0], asJSON, all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().BoolVar(&all, "all", false, "show every step of install, and not only the changes")
	return cmd
}

func (a *app) migrate(cmd *cobra.Command, file string, asJSON, all bool) error {
	text, err := readDefinition(cmd, file)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	found, err := migrate.Read(file, text)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(found.Command) > 0 {
		found.Config.Args = a.ownArguments(cmd, found)
	}
	var table bytes.Buffer
	if err := service.WriteConfig(&table, found.Config); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), struct {
			Kind    string         `json:"kind"`
			Manager string         `json:"manager,omitempty"`
			Scope   platform.Scope `json:"scope"`
			Name    string         `json:"name"`
			Ours    bool           `json:"ours,omitempty"` // it is already a service of holdfast
			Command []string       `json:"command"`
			Config  string         `json:"config"` // as TOML
			Lost    []migrate.Lost `json:"lost"`
		}{found.Kind, found.Manager, found.Scope, found.Name, found.Ours, append([]string{}, found.Command...), table.String(), append([]migrate.Lost{}, found.Lost...)})
	}
	if err := a.printMigrated(cmd.OutOrStdout(), file, found, table.String()); err != nil {
		return err
	}
	if found.Ours {
		return nil
	}
	return a.planMigrated(cmd, found, all)
}

// ownArguments returns the program's own arguments from the command of a definition. If the
// definition is one of holdfast, or names this program, `run` and its flags are left out: the
// new definition has them anyway.
func (a *app) ownArguments(cmd *cobra.Command, found *migrate.Found) []string {
	args := found.Command[1:]
	run, _, err := cmd.Root().Find([]string{"run"})
	if err != nil || len(args) == 0 || args[0] != "run" || !found.Ours && !a.isOwn(found.Command[0]) {
		return args
	}
	for args = args[1:]; len(args) > 0 && strings.HasPrefix(args[0], "--"); args = args[1:] {
		name, _, whole := strings.Cut(args[0][2:], "=")
		flag := run.Flag(name)
		if flag == nil { // or "--", the end of flags
			return slices.Clone(args)
		}
		if !whole && flag.NoOptDefVal == "" && len(args) > 1 {
			args = args[1:]
		}
	}
	return slices.Clone(args)
}

// isOwn reports whether program has the file name of this program, or the name of its service.
func (a *app) isOwn(program string) bool {
	name := path.Base(strings.ReplaceAll(program, `\`, "/"))
	own, _ := os.Executable()
	return name == a.cfg.Name || name == filepath.Base(own)
}

func readDefinition(cmd *cobra.Command, file string) (string, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDefinition))
	return string(text), err
}

// printMigrated writes the configuration file.
func (a *app) printMigrated(w io.Writer, file string, found *migrate.Found, table string) error {
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString("# " + logsink.Printable(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")) + "\n")
	}
	say("The %s %s.", found.Kind, file)
	if found.Ours {
		say("It is already a definition by holdfast: there is nothing to migrate. `install` updates it.")
	} else if found.Name != a.cfg.Name {
		say("It is called %q, and this program's service %q: stop and disable the old one yourself.", found.Name, a.cfg.Name)
	}
	if len(found.Command) > 0 {
		say("It ran: %q", found.Command)
		switch {
		case len(found.Command) < 2 || found.Command[1] != "run":
		case len(found.Config.Args) < len(found.Command)-1:
			say("`run` and its flags are not arguments of the program: the definition has them anyway.")
		default:
			say("If that was a holdfast program, remove `run` and its flags from args: the definition has them anyway.")
		}
	}
	b.WriteString(table)
	if len(found.Lost) > 0 {
		b.WriteString("\n# Settings that this configuration does not have:\n")
	}
	for _, l := range found.Lost {
		text := l.Key
		if l.Value != "" {
			text += " = " + l.Value
		}
		say("%s: %s", text, l.Why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// planMigrated shows what an install of it would do and change.
func (a *app) planMigrated(cmd *cobra.Command, found *migrate.Found, all bool) error {
	a.override(func(c *service.Config) { takeTable(c, found.Config) })
	if a.scope == "auto" {
		a.scope = string(found.Scope)
	}
	t, err := a.target(cmd)
	if err != nil {
		return err
	}
	if t.manager == nil || t.manager.Name() != found.Manager {
		a.tell(cmd, []string{"this definition is not for the manager of this machine: `plan --manager NAME` shows what install would do there"})
		return nil
	}
	f := installFlags{adopt: true}
	t, steps, err := a.plan(cmd, &f)
	if err != nil {
		return err
	}
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, "\nWith it, `%s` does the following, and `%s` undoes it.\n", a.command(t, "install --adopt"), a.command(t, "uninstall"))
	if !all {
		fmt.Fprintf(w, "Of its %d steps, which --all shows, this changes in definitions:\n", len(steps))
		return showChanges(w, t.manager.Name(), t.changes(cmd.Context(), steps), nil, false)
	}
	if err := showPlan(w, t.manager.Name(), steps, false); err != nil {
		return err
	}
	fmt.Fprint(w, "\nIn definitions this changes:\n")
	return showChanges(w, t.manager.Name(), t.changes(cmd.Context(), steps), nil, false)
}

// takeTable copies the [service] table of from to c, except the name.
func takeTable(c *service.Config, from service.Config) {
	to, table := reflect.ValueOf(c).Elem(), reflect.ValueOf(from)
	for i := range to.NumField() {
		if key := to.Type().Field(i).Tag.Get("toml"); key != "" && key != "-" && key != "name" {
			to.Field(i).Set(table.Field(i))
		}
	}
}
