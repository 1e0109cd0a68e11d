package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// packageManager is one that may own a program, with the command that asks it, what
// that prints, and the one that installs a newer version.
type packageManager struct {
	query   []string // the path comes behind
	name    func(out string) string
	upgrade string // the package comes behind
}

func packageManagers() []packageManager {
	return []packageManager{
		{[]string{"dpkg-query", "-S", "--"}, func(out string) string {
			name, _, _ := strings.Cut(out, ": ") // "feedd: /usr/bin/feedd"
			if strings.HasPrefix(name, "diversion by") {
				return ""
			}
			return name
		}, "apt-get install --only-upgrade "},
		{[]string{"rpm", "-qf", "--queryformat", "%{NAME}\\n"}, func(out string) string { return out }, "dnf upgrade "},
		{[]string{"apk", "info", "--who-owns"}, func(out string) string { // "/usr/bin/feedd is owned by feedd-1.2-r0"
			_, name, _ := strings.Cut(out, " is owned by ")
			for range 2 { // without version and release
				if i := strings.LastIndexByte(name, '-'); i > 0 {
					name = name[:i]
				}
			}
			return name
		}, "apk upgrade "},
	}
}

// packageOf is the refusal to replace a program that a package manager owns; nil if
// none does. One that is not there, or fails, owns nothing.
func (t *target) packageOf(ctx context.Context, program string) error {
	paths := []string{program}
	if target, err := filepath.EvalSymlinks(program); err == nil && target != program {
		paths = append(paths, target)
	}
	if rest, ok := strings.CutPrefix(program, "/usr"); ok { // a system whose /bin is a link
		paths = append(paths, rest)
	}
	for _, m := range packageManagers() {
		for _, path := range paths {
			out, err := t.System.Run(ctx, append(m.query[:len(m.query):len(m.query)], path)...)
			first, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
			name := m.name(first)
			if err != nil || name == "" {
				continue
			}
			return fmt.Errorf("%s belongs to the package %s of %s: %w: upgrade that (%s%s)", program, name, m.query[0], platform.ErrPermission, m.upgrade, name)
		}
	}
	return nil
}
