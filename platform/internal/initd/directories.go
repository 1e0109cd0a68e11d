package initd

import (
	_ "embed"
	"fmt"
	"path"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

//go:embed directory.sh
var makeDirectory string

// A directory is one of the service's own. Without a mode, the administrator has to make it.
type directory struct{ variable, path, mode string }

// directories returns the directories with the names of systemd.exec(5), for which the program
// looks. The program itself makes those that were set by flags.
func (s *Script) directories() []directory {
	id := s.Unit.ID
	dirs := make([]directory, 0, 4)
	if s.Unit.RuntimeDir == "" {
		// 0755, because `status` reads the state file and the last-run record for any user.
		dirs = append(dirs, directory{"RUNTIME_DIRECTORY", runtimeDir(id), "0755"})
	}
	if s.Unit.StateDir == "" {
		dirs = append(dirs, directory{"STATE_DIRECTORY", path.Join("/var/lib", id.String()), "0755"})
	}
	return append(dirs,
		directory{"LOGS_DIRECTORY", path.Dir(Output(id)), "0750"},
		directory{"CONFIGURATION_DIRECTORY", path.Join("/etc", id.String()), ""})
}

func (s *Script) variables() string {
	var lines, names []string
	for _, dir := range s.directories() {
		lines = append(lines, dir.variable+"="+shell.Quote(dir.path))
		names = append(names, dir.variable)
	}
	return strings.Join(lines, "\n") + "\nexport " + strings.Join(names, " ")
}

func (s *Script) makeDirectory() string {
	text := strings.NewReplacer("@USER@", shell.Quote(user(s.Unit)), "@OWNER@", shell.Quote(owner(s.Unit))).Replace(makeDirectory)
	return strings.TrimSuffix(text, "\n")
}

func (s *Script) makeDirectories() string {
	var lines strings.Builder
	for _, dir := range s.directories() {
		if dir.mode != "" {
			fmt.Fprintf(&lines, "\tdirectory %s %s || return 1\n", shell.Quote(dir.path), dir.mode)
		}
	}
	return lines.String()
}
