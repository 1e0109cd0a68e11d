package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A packageManager may own a program. It has the command that asks for the owner, a function
// that reads the answer, and the command that installs a newer version.
type packageManager struct {
	query   []string                      // the path is appended
	name    func(out, path string) string // the package in the output; empty: no package owns the path
	upgrade string                        // the package is appended
}

// owner returns the package in the output of dpkg-query(1) for the path. The output has a
// line, in any language, for each diversion of the path, and a line such as "feedd,
// feedd-extra: PATH".
func owner(out, path string) string {
	for line := range strings.Lines(out) {
		names, ok := strings.CutSuffix(strings.TrimSpace(line), ": "+path)
		first, _, _ := strings.Cut(names, ", ")
		if ok && first != "" && !strings.Contains(first, " ") { // names of packages contain no blanks
			return first
		}
	}
	return ""
}

// unglobbed escapes a path so that dpkg-query does not take it for a pattern.
func unglobbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func packageManagers() []packageManager {
	return []packageManager{
		{[]string{"dpkg-query", "-S", "--"}, owner, "apt-get install --only-upgrade "},
		{[]string{"rpm", "-qf", "--queryformat", "%{NAME}\\n"}, func(out, _ string) string {
			first, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
			return first
		}, "dnf upgrade "},
		{[]string{"apk", "info", "--who-owns"}, func(out, _ string) string { // "/usr/bin/feedd is owned by feedd-1.2-r0"
			_, name, _ := strings.Cut(strings.TrimSpace(out), " is owned by ")
			for range 2 { // remove version and release
				if i := strings.LastIndexByte(name, '-'); i > 0 {
					name = name[:i]
				}
			}
			return name
		}, "apk upgrade "},
	}
}

// packageOf refuses to replace a program that a package manager owns. It is nil if none does.
// A package manager that is missing or fails owns nothing.
func (t *target) packageOf(ctx context.Context, program string) error {
	paths := []string{program}
	if target, err := filepath.EvalSymlinks(program); err == nil && target != program {
		paths = append(paths, target)
	}
	if rest, ok := strings.CutPrefix(program, "/usr"); ok { // on a system whose /bin is a link
		paths = append(paths, rest)
	}
	for _, m := range packageManagers() {
		for _, path := range paths {
			asked := path
			if m.query[0] == "dpkg-query" {
				asked = unglobbed(path)
			}
			out, err := t.System.Run(ctx, append(m.query[:len(m.query):len(m.query)], asked)...)
			name := m.name(out, path)
			if err != nil || name == "" {
				continue
			}
			return fmt.Errorf("%s belongs to the package %s of %s: %w: upgrade the package (%s%s)", program, name, strings.TrimSuffix(m.query[0], "-query"), platform.ErrPermission, m.upgrade, name)
		}
	}
	return nil
}
