package doctor

import (
	"cmp"
	"strings"
)

// problems returns the findings for the problems of one kind.
func problems(all []Problem, kind string, judge func(Problem) Finding) (found []Finding) {
	for _, p := range all {
		if p.Kind == kind {
			found = append(found, judge(p))
		}
	}
	return found
}

// keeps says what a bad configuration does. That depends on whether the service runs.
func (f Facts) keeps(text string) string {
	if f.Life.Running {
		return text + "; the running process goes on unchanged, but the next start will fail"
	}
	return text
}

func configBad(f Facts) []Finding {
	all := problems(f.Config.Problems, "", func(p Problem) Finding { return found(Error, "%s", p.Text) })
	if len(all) == 0 {
		return nil
	}
	top := all[0]
	top.Cause = f.keeps(top.Cause)
	for _, more := range all[1:] {
		top.Details = append(top.Details, more.Cause)
	}
	return only(top.see(f.line("check")))
}

func accountMissing(f Facts) (all []Finding) {
	for _, missing := range []struct{ kind, command string }{
		{"user", "useradd --system --no-create-home --shell /usr/sbin/nologin "}, {"group", "groupadd --system "},
	} {
		all = append(all, problems(f.Config.Problems, missing.kind, func(p Problem) Finding {
			return found(Error, "%s", f.keeps(p.Text)).fix(missing.command + word(p.Name))
		})...)
	}
	return all
}

func directoryNeeded(f Facts) []Finding {
	return problems(f.Config.Problems, "directory", func(p Problem) Finding {
		return found(Error, "%s", f.keeps(p.Text)).fix("mkdir -p " + word(p.Name))
	})
}

func configClosed(f Facts) []Finding {
	if f.Config.Closed == "" {
		return nil
	}
	return only(found(Error, "%s", f.keeps(f.Config.Closed)).fix(f.Config.Allow))
}

func configWritable(f Facts) []Finding {
	c := f.Config
	if c.Writable == "" {
		return nil
	}
	return only(found(Warning, "other users can change the configuration %s, and so control the service: %s", c.File, c.Writable).fix(c.Tighten))
}

func configWarning(f Facts) []Finding {
	all := problems(f.Config.Warnings, "", func(p Problem) Finding { return found(Note, "%s", p.Text) })
	if f.Config.InForce != "" {
		all = append(all, found(Note, "process %d runs with the configuration %s, and these commands read %s", f.Life.PID, f.Config.InForce, cmp.Or(f.Config.File, "none")))
	}
	return all
}

// word quotes s for a shell.
func word(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-", r))
	})
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func programGone(f Facts) []Finding {
	p := f.Program
	if !p.Gone {
		return nil
	}
	return only(found(Error, "%s", f.keeps("the program "+p.Path+", which the manager starts, does not exist")))
}

func programClosed(f Facts) []Finding {
	p := f.Program
	if p.Closed == "" || p.Gone {
		return nil
	}
	return only(found(Error, "%s", f.keeps(p.Closed)).fix(p.Allow))
}

func programNewer(f Facts) []Finding {
	if !f.Program.Newer || f.Program.Gone {
		return nil
	}
	return only(found(Warning, "the program %s on disk is newer than the one that process %d runs", f.Program.Path, f.Life.PID).fix(f.line("restart")))
}

func programWritable(f Facts) []Finding {
	p := f.Program
	switch {
	case p.Writable == "" || p.Gone:
		return nil
	case p.Tolerated:
		return only(found(Note, "other users can change the program %s, which the install accepted: %s", p.Path, p.Writable))
	}
	return only(found(Warning, "other users can change the program %s, and so act as the service's user: %s", p.Path, p.Writable).fix(p.Tighten))
}
