package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

func (a *app) fleetCommand() *cobra.Command {
	group := &cobra.Command{Use: "fleet", Short: "Show all holdfast services of this machine, or all machines of a cluster", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return a.help([]string{"help", "fleet"})
	}}
	var asJSON, watch, cluster bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of all in one table",
		Long: "Show the state of each service of this machine that is made with holdfast, whatever its program. Root sees the services of the system, " +
			"other users see their own; --scope chooses. " +
			"Services are found by the records of install, by definitions that holdfast has made, and by the state files of those that run, also by hand. The manager is asked once for all of them.\n\n" +
			"With --cluster, show this service on all machines of its cluster, also those that are down, and the last upgrade in turns.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cluster {
				return a.clusterStatus(cmd, watch, asJSON)
			}
			scope, err := a.scopeFlag()
			if err != nil {
				return err
			}
			if scope == "" {
				scope = a.Scope()
			}
			var f fleet
			look := func() (err error) { f, err = a.fleet(cmd.Context(), scope); return err }
			return watched(cmd, watch, asJSON, look, func(w io.Writer) error {
				if asJSON {
					return writeJSON(w, f)
				}
				return printFleet(w, f)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().BoolVar(&watch, "watch", false, "again every second, until ctrl-C")
	cmd.Flags().BoolVar(&cluster, "cluster", false, "show this service on all machines of its cluster")
	group.AddCommand(cmd, a.fleetReleaseCommand(), a.fleetForgetCommand())
	return group
}

// A fleet has all services of a scope. Fields are only ever added to its JSON form.
type fleet struct {
	Scope    platform.Scope `json:"scope"`
	Services []fleetService `json:"services"`        // sorted by name
	Notes    []string       `json:"notes,omitempty"` // what could not be seen
}

// A fleetService is one service, as far as it is known without its own program.
type fleetService struct {
	Name       string           `json:"name"`
	Instance   string           `json:"instance,omitempty"`
	Manager    string           `json:"manager,omitempty"`
	Installed  bool             `json:"installed"`
	Phase      platform.Phase   `json:"phase"`
	PhaseSince time.Time        `json:"phase_since,omitzero"`
	Ready      bool             `json:"ready"`
	PID        int              `json:"pid"`
	Version    string           `json:"version,omitempty"`
	RSS        int64            `json:"rss_bytes"` // -1: not known or not running
	Restarts   int              `json:"restarts"`
	LastExit   *platform.Exit   `json:"last_exit"`
	Findings   []doctor.Finding `json:"findings"`
	Program    string           `json:"program,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
}

func (s fleetService) id() string {
	return platform.ID{Name: s.Name, Instance: s.Instance}.String()
}

func printFleet(w io.Writer, f fleet) error {
	var table, b strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tPHASE\tSINCE\tVERSION\tMEMORY\tRESTARTS\tLAST END\tFINDINGS")
	for _, s := range f.Services {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			oneLine(s.id()), oneLine(string(s.Phase)), sinceText(s.PhaseSince), cmp.Or(oneLine(s.Version), "-"), memoryText(s.RSS), s.Restarts, endText(s.LastExit), findingsText(s.Findings))
	}
	_ = t.Flush() // writes to memory
	b.WriteString(coloured(table.String(), func(i int) []doctor.Finding { return f.Services[i].Findings }))
	if len(f.Services) == 0 {
		b.Reset()
		fmt.Fprintf(&b, "no holdfast services of scope %s are visible\n", f.Scope)
	}
	for _, s := range f.Services {
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "%s: %s\n", oneLine(s.id()), oneLine(n))
		}
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "%s: %s\n", color.YellowString("note"), oneLine(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// coloured returns a table without trailing spaces. After its heading, each line has the colour of
// the first finding of its row.
func coloured(table string, findings func(row int) []doctor.Finding) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(table, "\n"), "\n") {
		line = strings.TrimRight(line, " ")
		if i > 0 {
			if found := findings(i - 1); len(found) > 0 {
				line = severityColor(found[0].Severity).Sprint(line)
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func sinceText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func memoryText(n int64) string {
	if n < 0 {
		return "-"
	}
	return bytesText(n)
}

// endText is short, because `status` says more.
func endText(e *platform.Exit) string {
	switch {
	case e == nil:
		return "-"
	case e.Clean:
		return "clean"
	case e.Signal != "":
		return oneLine(e.Signal)
	case e.Code < 0:
		return "cut off"
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// findingsText names the first finding, and counts the others.
func findingsText(all []doctor.Finding) string {
	if len(all) == 0 {
		return "-"
	}
	text := fmt.Sprintf("%s: %s", all[0].Severity, all[0].ID)
	if n := len(all) - 1; n > 0 {
		text += fmt.Sprintf(" (+%d)", n)
	}
	return text
}
