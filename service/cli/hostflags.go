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

// noHostFlags takes back what the host's flags said to an earlier install.
const noHostFlags = "no-host-flags"

// line are the commands from the program to ours.
func (a *app) line() (all []*cobra.Command) {
	for c := a.root; c != nil; c = c.Parent() {
		all = append(all, c)
	}
	slices.Reverse(all)
	return all
}

// hostFlag is the persistent flag of that name which a host has, and the command
// that has it; nil if there is none, or it is ours. The nearest counts.
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

// hostFlags are the host's persistent flags that belong into what is installed, by
// name, as words of a command line: those that an earlier install was given, and
// where this is one, those that it is given.
func (a *app) hostFlags(cmd *cobra.Command, before map[string][]string) map[string][]string {
	back := cmd.Flags().Lookup(noHostFlags)
	installs := back != nil
	all := map[string][]string{}
	for name, words := range before {
		if _, f := a.hostFlag(name); f != nil && !(installs && back.Changed) { // the host may have it no more
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

// given are the host's flags on this command line.
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

// mounted is the way from the program to our commands, with the host's flags behind
// the commands that have them.
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

// spelled is a flag as it would be typed for it to have the value that it has.
func spelled(f *pflag.Flag) []string {
	word := func(value string) string { return "--" + f.Name + "=" + value }
	kind := f.Value.Type()
	if list, ok := f.Value.(pflag.SliceValue); ok && len(list.GetSlice()) > 0 {
		var words []string
		for _, value := range list.GetSlice() {
			if kind == "stringSlice" { // which takes several, separated by commas
				value = asCSV(value)
			}
			words = append(words, word(value))
		}
		return words
	}
	value := f.Value.String()
	if strings.HasPrefix(kind, "stringTo") || strings.HasSuffix(kind, "Slice") { // shown in brackets
		value = strings.TrimSuffix(strings.TrimPrefix(value, "["), "]")
	}
	return []string{word(value)}
}

func asCSV(value string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{value}) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// wordsOf are the words of host's flags, in the order of their names.
func wordsOf(host map[string][]string) (words []string) {
	for _, name := range slices.Sorted(maps.Keys(host)) {
		words = append(words, host[name]...)
	}
	return words
}
