package kardianos

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/migrate"
)

// names reports whether a definition that is not ours starts this program.
func (s *adoptee) names(d *platform.Definition, program string) bool {
	if d.State != "" && d.State != platform.DefinitionStatic {
		return false
	}
	if d.Command != "" {
		return sameOnWindows(first(d.Command), program)
	}
	content, err := native.System{}.ReadFile(d.Path)
	return err == nil && starts(d.Path, string(content), program)
}

// first returns the program in a command line, as Windows parses it.
func first(line string) string {
	line = strings.TrimLeft(line, " \t")
	if quoted, is := strings.CutPrefix(line, `"`); is {
		program, _, _ := strings.Cut(quoted, `"`)
		return program
	}
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return line[:i]
	}
	return line
}

// sameOnWindows is like same, but ignores case and accepts both kinds of slash.
func sameOnWindows(a, b string) bool {
	plain := func(path string) string { return strings.ReplaceAll(path, "/", `\`) }
	return strings.EqualFold(plain(a), plain(b)) || strings.EqualFold(plain(resolved(a)), plain(resolved(b)))
}

// starts reports whether the definition in a file starts program.
func starts(file, content, program string) bool {
	found, err := migrate.Read(file, content)
	if err != nil {
		return false
	}
	script := found.Manager == "sysv" || found.Manager == "openrc"
	switch {
	case len(found.Command) > 0 && same(found.Command[0], program):
		return true
	case len(found.Command) > 0 && script: // in scripts the library does not quote a space or, for OpenRC, writes \x20
		return strings.HasPrefix(strings.Join(found.Command, " ")+" ", program+" ") || found.Command[0] == strings.ReplaceAll(program, " ", "x20")
	case script: // a template of the program that lacks the library's variables
		return slices.ContainsFunc(commands(content), func(word string) bool { return same(word, program) })
	}
	return false
}

// same reports whether two paths lead to the same file, whether or not that exists.
func same(a, b string) bool {
	return a == b || filepath.IsAbs(a) && resolved(a) == resolved(b)
}

func resolved(path string) string {
	if end, err := filepath.EvalSymlinks(path); err == nil {
		return end
	}
	return filepath.Clean(path)
}

// commands returns the words of a script that are paths, outside of comments.
func commands(script string) (paths []string) {
	for line := range strings.Lines(script) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n\"';&|()<>=`", r) }) {
			if filepath.IsAbs(word) {
				paths = append(paths, word)
			}
		}
	}
	return paths
}
