package doctor

func dirs(f Facts, judge func(Dir) (Finding, bool)) (all []Finding) {
	for _, d := range f.Dirs {
		if finding, ok := judge(d); ok {
			all = append(all, finding)
		}
	}
	return all
}

// suffers is the severity of a directory that cannot be used. If the service is stopped, the
// next start may repair the directory.
func (f Facts) suffers() Severity {
	if f.Life.Running || f.Life.fails() {
		return Error
	}
	return Warning
}

func directoryMissing(f Facts) []Finding {
	return dirs(f, func(d Dir) (Finding, bool) {
		if d.NotDir {
			return found(Error, "%s, its %s directory, is not a directory", d.Path, d.Role).fix(f.aside(d.Path)), true
		}
		fix := f.line("restart")                                                // the manager makes the directory, and systemd shows it to the service
		if f.Life.Running && f.Manager.Name != "systemd" && d.Role == "state" { // the lock was in it, and without the lock no restart finds the running process
			if fix = "mkdir -p " + word(d.Path); d.Wanted != "" && d.Wanted != "root" {
				fix += " && chown " + word(d.Wanted) + " " + word(d.Path)
			}
		}
		if !f.Life.Running && !f.Definition.Installed {
			fix = ""
		}
		return found(f.suffers(), "%s, its %s directory, does not exist", d.Path, d.Role).fix(fix), d.Missing
	})
}

// aside returns the command that makes room for a directory. Whoever starts the service makes
// the directory.
func (f Facts) aside(path string) string {
	move := "mv " + word(path) + " " + word(path+".aside")
	if f.Life.Down() && !f.Life.fails() {
		return move
	}
	return move + " && " + f.line("restart")
}

func directoryOwner(f Facts) []Finding {
	return dirs(f, func(d Dir) (Finding, bool) {
		return found(f.suffers(), "%s, its %s directory, belongs to %s, but the service runs as %s", d.Path, d.Role, d.Owner, d.Wanted).
			fix("chown -R " + word(d.Wanted) + " " + word(d.Path)), !d.Missing && !d.NotDir && d.Owner != d.Wanted && d.Closed != ""
	})
}

func directoryMode(f Facts) []Finding {
	return dirs(f, func(d Dir) (Finding, bool) {
		return found(f.suffers(), "the service cannot write into %s, its %s directory: %s", d.Path, d.Role, d.Closed).
			fix("chmod u+rwx " + word(d.Path)), !d.Missing && !d.NotDir && d.Owner == d.Wanted && d.Closed != ""
	})
}

func directoryOpen(f Facts) []Finding {
	return dirs(f, func(d Dir) (Finding, bool) {
		return found(Warning, "other users can change the contents of %s, its %s directory: %s", d.Path, d.Role, d.Open).
			fix("chmod go-w " + word(d.Path)), !d.Missing && !d.NotDir && d.Open != ""
	})
}
