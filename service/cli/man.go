package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the pages without cobra/doc. That package brings a Markdown parser and a
// YAML library, which would make the start of every `run` a third of a millisecond longer.
func manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages to DIR",
		Long:  "Write the manual pages, section 8, to DIR, for packages. DIR is made if it does not exist.",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // everybody may read a manual
				return err
			}
			return writeManual(root, root, args[0])
		},
	}
}

// writeManual writes the page of cmd, in the tree of root, and the pages of all commands below
// it.
func writeManual(root, cmd *cobra.Command, dir string) error {
	for _, c := range subcommands(cmd) {
		if err := writeManual(root, c, dir); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, pageName(cmd)+".8"), []byte(manualPage(root, cmd)), 0o644) //nolint:gosec // everybody may read a manual
}

func subcommands(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool {
		return !c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()
	})
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage returns the page of cmd in the language of man(7). The same source gives the same
// page: it contains no date.
func manualPage(root, cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	show := hideFlags(root, cmd)
	defer show()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 8\n", roff(strings.ToUpper(pageName(cmd))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	b.WriteString(".SH DESCRIPTION\n" + paragraphs(text))
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + paragraphs(called(root, cmd)))
	}
	options(&b, "OPTIONS", cmd.NonInheritedFlags())
	options(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())

	var others []string
	if cmd.HasParent() {
		others = append(others, reference(cmd.Parent()))
	}
	for _, c := range subcommands(cmd) {
		others = append(others, reference(c))
	}
	if len(others) > 0 {
		b.WriteString(".SH SEE ALSO\n" + strings.Join(others, ",\n") + "\n")
	}
	return b.String()
}

func reference(cmd *cobra.Command) string { return fmt.Sprintf("\\fB%s\\fP(8)", roff(pageName(cmd))) }

func options(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fP, ", f.Shorthand)
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fP", roff(f.Name))
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fP", roff(value))
		}
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
			usage += " (default: " + f.DefValue + ")"
		}
		b.WriteString("\n" + roff(usage) + "\n")
	})
}

// paragraphs formats paragraphs, which are separated by empty lines. An indented paragraph is
// an example.
func paragraphs(text string) string {
	var b strings.Builder
	for i, p := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		p = strings.Trim(p, "\n")
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(p, "\t") || strings.HasPrefix(p, " ") {
			p = ".RS\n.nf\n" + roff(p) + "\n.fi\n.RE"
		} else {
			p = roff(p)
		}
		b.WriteString(p + "\n")
	}
	return b.String()
}

// roff escapes text for troff: groff(7), "Escapes". A line that begins with a dot or an
// apostrophe would be a request. A plain hyphen is printed as another character than the one
// to type.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
		if strings.HasPrefix(lines[i], ".") || strings.HasPrefix(lines[i], "'") {
			lines[i] = `\&` + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
