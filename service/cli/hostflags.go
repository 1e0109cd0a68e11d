package cli

import (
	"bytes"
	"encoding/csv"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noHostFlags is the flag that forgets the host flags of an earlier install.
const noHostFlags = "no-host-flags"

// line returns the commands on the path from the program to our root.
func (a *app) line() (all []*cobra.Command) {
	for c := a.root; c != nil; c = c.Parent() {
		all = append(all, c)
	}
	slices.Reverse(all)
	return all
}

// hostFlag returns the persistent flag of the host with that name, and its command. Both are
// nil if there is none, or if the flag is ours. The nearest command wins.
func (a *app) hostFlag(name string) (*cobra.Command, *pflag.Flag) {
	if a.ours[name] {
		return nil, nil
	}
	for c := a.root; c != nil; c = c.Parent() {
		if f := c.PersistentFlags().Lookup(name); f != nil {
			return c, f
		}
	}
	return nil, nil
}

// hostFlags returns the persistent flags of the host that belong to the installation, by name,
// as words of a command line. These are the flags of earlier installs and, if this is an
// install, its own.
func (a *app) hostFlags(cmd *cobra.Command, before map[string][]string) map[string][]string {
	back := cmd.Flags().Lookup(noHostFlags)
	installs := back != nil
	all := map[string][]string{}
	for name, words := range before {
		if _, f := a.hostFlag(name); f != nil && !(installs && back.Changed) { // the host may no longer have the flag
			all[name] = words
		}
	}
	if installs {
		maps.Copy(all, a.given())
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// given returns the flags of the host on this command line.
func (a *app) given() map[string][]string {
	all := map[string][]string{}
	for _, c := range a.line() {
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Changed && !a.ours[f.Name] {
				all[f.Name] = spelled(f)
			}
		})
	}
	return all
}

// mounted returns the words that lead from the program to our commands. Each command is
// followed by its host flags.
func (a *app) mounted(host map[string][]string) (words []string) {
	for i, c := range a.line() {
		if i > 0 {
			words = append(words, c.Name())
		}
		for _, name := range slices.Sorted(maps.Keys(host)) {
			if owner, _ := a.hostFlag(name); owner == c {
				words = append(words, host[name]...)
			}
		}
	}
	return words
}

// spelled returns a flag in the form in which one would type it to get its value.
func spelled(f *pflag.Flag) []string {
	word := func(value string) string { return "--" + f.Name + "=" + value }
	kind := f.Value.Type()
	if list, ok := f.Value.(pflag.SliceValue); ok && len(list.GetSlice()) > 0 {
		var words []string
		for _, value := range list.GetSlice() {
			if kind == "stringSlice" { // its values are separated by commas
				value = asCSV(value)
			}
			words = append(words, word(value))
		}
		return words
	}
	value := f.Value.String()
	if strings.HasPrefix(kind, "stringTo") || strings.HasSuffix(kind, "Slice") { // the value is shown in brackets
		value = strings.TrimSuffix(strings.TrimPrefix(value, "["), "]")
	}
	return []string{word(value)}
}

func asCSV(value string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{value}) // writes to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// wordsOf returns the words of host flags, sorted by flag name.
func wordsOf(host map[string][]string) (words []string) {
	for _, name := range slices.Sorted(maps.Keys(host)) {
		words = append(words, host[name]...)
	}
	return words
}
