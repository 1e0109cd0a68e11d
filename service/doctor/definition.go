package doctor

import (
	"strings"
)

func definitionForeign(f Facts) []Finding {
	d := f.Definition
	if d.Refused == "" || d.Found == nil || d.masked() || d.OtherManager != "" {
		return nil
	}
	return only(found(Error, "the name is taken by a service that holdfast did not make: %v", d.Found).fix(f.line("install --adopt")).details(d.Refused))
}

func definitionBroken(f Facts) []Finding {
	m := f.Manager
	if m.Examined.Broken == "" {
		return nil
	}
	return only(found(Error, "%s cannot use its definition: %s", m.Name, m.Examined.Broken).fix(f.install()))
}

func installInterrupted(f Facts) []Finding {
	d := f.Definition
	switch {
	case d.Interrupted != "":
		return only(found(Error, "%s", d.Interrupted).fix(f.line("install")))
	case d.Underway != "":
		return only(found(Note, "%s", d.Underway))
	}
	return nil
}

func recordUnreadable(f Facts) []Finding {
	d := f.Definition
	if d.BadRecord == "" {
		return nil
	}
	fix := ""
	if d.RecordFile != "" && f.Manager.Name != "" {
		fix = "rm " + word(d.RecordFile) + " && " + f.install()
	}
	return only(found(Warning, "the record of the installation cannot be used: %s", d.BadRecord).fix(fix))
}

func definitionUnread(f Facts) []Finding {
	m := f.Manager
	if !m.Examined.Unread {
		return nil
	}
	return only(found(Warning, "%s uses an older definition than the one on disk", m.Name).fix(m.mend("reread")))
}

func definitionUnfit(f Facts) []Finding {
	d := f.Definition
	if len(d.Unfit) == 0 {
		return nil
	}
	return only(found(Warning, "the configuration has a setting that is not in force, and an install would refuse it: %s", d.Unfit[0]).details(d.Unfit[1:]...))
}

func definitionOutdated(f Facts) []Finding {
	d := f.Definition
	switch {
	case len(d.Changes) == 0 || len(d.Unfit) > 0:
		return nil
	case len(d.Keys) > 0:
		return only(found(Warning, "the configuration has changed since the install, and %s's definition does not have the change yet: %s", f.Manager.Name, strings.Join(d.Keys, ", ")).
			fix(f.install()).see(f.line("plan --diff")))
	}
	return only(found(Warning, "%s differs from what an install would write now", strings.Join(d.Changes, ", ")).
		fix(f.install()).see(f.line("plan --diff")).details(d.Lines...))
}

func definitionOverridden(f Facts) (all []Finding) {
	for _, drop := range f.dropIns() {
		all = append(all, found(Note, "the definition is changed from outside: %v", drop))
	}
	return all
}

func restartDue(f Facts) []Finding {
	d := f.Definition
	switch {
	case len(d.Restart) > 0:
		return only(found(Warning, "process %d does not use settings that changed after its start: %s", f.Life.PID, strings.Join(d.Restart, ", ")).fix(f.line("restart")))
	case d.Old:
		return only(found(Warning, "process %d was started by the definition before the last install", f.Life.PID).fix(f.line("restart")))
	}
	return nil
}

func reloadDue(f Facts) []Finding {
	d := f.Definition
	if len(d.Reload) == 0 {
		return nil
	}
	return only(found(Warning, "process %d has not loaded changed settings: %s", f.Life.PID, strings.Join(d.Reload, ", ")).fix(f.line("reload")))
}

func otherManager(f Facts) []Finding {
	d := f.Definition
	if d.OtherManager == "" {
		return nil
	}
	text := "it is installed with the manager %s, not with %s"
	if d.Installed {
		text = "it is installed with the manager %s as well as with %s: both may start it"
	}
	return only(found(Warning, text, d.OtherManager, f.Manager.Name).fix(f.line("uninstall --manager " + d.OtherManager)))
}

func otherScope(f Facts) []Finding {
	d := f.Definition
	if d.OtherFound == "" {
		return nil
	}
	return only(found(Note, "there is another service of this name, --scope %s: %s", d.OtherScope, d.OtherFound))
}

func initdLeftover(f Facts) (all []Finding) {
	for _, l := range f.Manager.Examined.Leftovers {
		s := Note
		if l.Ours {
			s = Warning
		}
		all = append(all, found(s, "%s is a leftover of another manager: %s", l.Path, l.Why).fix(l.Remove))
	}
	return all
}

func notInstalled(f Facts) []Finding {
	d := f.Definition
	switch {
	case d.Installed || d.Found != nil || f.Manager.None != "" || f.Manager.Silent != "" || f.Manager.Name == "":
		return nil
	case len(d.InstanceNames) > 0:
		return only(found(Note, "it exists only as instances: give --instance and one of %s", strings.Join(d.InstanceNames, ", ")))
	case f.Manager.Recorded:
		fix := f.line("install --start")
		if f.Life.Running {
			fix = f.install()
		}
		return only(found(Warning, "it was installed, but %s no longer has a definition of it", f.Manager.Name).fix(fix))
	case f.Life.Running:
		return only(found(Note, "it is not installed with %s: nothing starts it after a failure or at boot", f.Manager.Name).fix(f.install()))
	}
	return only(found(Note, "it is not installed with %s", f.Manager.Name).fix(f.line("install --start")))
}
