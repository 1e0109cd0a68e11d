package doctor

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

func managerSilent(f Facts) []Finding {
	if f.Manager.Silent == "" {
		return nil
	}
	s := Error
	if !f.Manager.Recorded { // it may never have known the service
		s = Note
	}
	fix := ""
	if f.Scope == platform.ScopeUser && f.Manager.Name == "systemd" && f.Manager.User != "" { // the user's systemd runs while the user is logged in or lingers
		fix = "loginctl enable-linger " + word(f.Manager.User)
	}
	return only(found(s, "%s does not report the state of the service: %s", f.Manager.Name, f.Manager.Silent).fix(fix))
}

func (m Manager) mend(what string) string { return m.Examined.Own[what] }

func (d Definition) masked() bool {
	return d.Found != nil && d.Found.State == platform.DefinitionMasked
}

func masked(f Facts) []Finding {
	if !f.Definition.masked() {
		return nil
	}
	fix := f.Definition.Found.Own["unmask"]
	if fix == "" {
		fix = f.Manager.mend(platform.MendAllow)
	}
	return only(found(Error, "%s is masked: the administrator keeps %s from starting it", f.Definition.Found.Path, f.Manager.Name).fix(fix))
}

func notStartable(f Facts) []Finding {
	m := f.Manager
	if m.Examined.Disabled == "" || f.Definition.masked() {
		return nil
	}
	return only(found(Error, "%s does not start it, not even when it is asked to: %s", m.Name, m.Examined.Disabled).fix(m.mend(platform.MendAllow)))
}

func disabled(f Facts) []Finding {
	m := f.Manager
	if !f.Definition.Installed || m.Enabled || m.Manual || m.Silent != "" || f.Definition.masked() || m.Examined.Disabled != "" {
		return nil
	}
	fix := m.mend(platform.MendEnable)
	if fix == "" {
		fix = f.line("install")
	}
	return only(found(Warning, "%s does not start it at boot: it is installed, but not enabled", m.Name).fix(fix))
}

// socketFailed finds a unit that no longer starts the service for a connection.
func socketFailed(f Facts) []Finding {
	t := f.Manager.Trigger
	if t == nil || t.Failed == "" {
		return nil
	}
	verb := "start"
	if f.Life.Running {
		verb = "restart"
	}
	return only(found(Error, "%s: nobody can connect", t.Failed).fix(f.line(verb)))
}

// socketDisabled finds a unit that does not listen after the next boot.
func socketDisabled(f Facts) []Finding {
	t := f.Manager.Trigger
	if t == nil || t.Enabled || !f.Definition.Installed {
		return nil
	}
	return only(found(Warning, "%s does not listen for the service after a boot: %s is not enabled", f.Manager.Name, strings.Join(t.Units, ", ")).fix(f.line("install")))
}

// misplaced finds a service that is not in its place among the other services.
func misplaced(f Facts) (all []Finding) {
	e := f.Manager.Examined
	if !f.Definition.Installed {
		return nil
	}
	fix := f.install()
	if leave := e.Own[platform.MendPlace]; leave != "" {
		fix = leave + " && " + f.line("install")
	}
	if e.NotAtBoot != "" && !f.Manager.Manual {
		all = append(all, found(Warning, "%s does not start it at boot: %s", f.Manager.Name, e.NotAtBoot).fix(fix))
	}
	if e.Misplaced != "" {
		all = append(all, found(Warning, "%s starts it in the wrong order relative to other services: %s", f.Manager.Name, e.Misplaced).fix(fix))
	}
	return all
}

func managerLesser(f Facts) (all []Finding) {
	for _, what := range f.Manager.Missing {
		all = append(all, found(Note, "%s does less for it than others: %s", f.Manager.Name, what))
	}
	return all
}

func loginOnly(f Facts) []Finding {
	m := f.Manager
	if !f.Definition.Installed || !m.Enabled || !m.AtLogin || m.Manual {
		return nil
	}
	return only(found(Note, "it runs only while %s is logged in, and does not start at boot", orElse(m.User, "its user")).fix(m.mend(platform.MendLogin)))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// managerDisagrees finds a manager that names a process which is not ours.
func managerDisagrees(f Facts) []Finding {
	m, l := f.Manager, f.Life
	switch {
	case m.PID == 0 || !f.Definition.Installed:
		return nil
	case m.Gone:
		return only(found(Warning, "%s reports the service as process %d, which does not exist", m.Name, m.PID).fix(f.line("restart")))
	case l.Known && l.Running && l.PID != 0 && l.PID != m.PID && !l.OnTrial && !l.Stranger && settled(m.Phase):
		return only(found(Warning, "%s reports the service as process %d, but process %d holds its lock", m.Name, m.PID, l.PID).fix(f.line("restart")))
	}
	return nil
}

func settled(p platform.Phase) bool {
	return slices.Contains([]platform.Phase{platform.PhaseReady, platform.PhaseStandby, platform.PhaseStopped, platform.PhaseFailed}, p)
}

// install returns the install command that brings a definition up to date.
func (f Facts) install() string {
	if f.Life.Running {
		return f.line("install --restart")
	}
	return f.line("install")
}

func killTimeoutShort(f Facts) []Finding {
	after, ours := f.Manager.Examined.KillAfter, f.Life.StopTimeout
	if after <= 0 || ours <= 0 || after >= ours {
		return nil
	}
	top := found(Warning, "%s kills it %v after the stop request, but its own stop_timeout is %v: a longer stop is cut off", f.Manager.Name, after, ours)
	for _, drop := range f.dropIns() {
		if slices.Contains(drop.Keys, "TimeoutStopSec") || slices.Contains(drop.Keys, "TimeoutSec") {
			if reread := f.Manager.mend(platform.MendReread); len(drop.Keys) == 1 && reread != "" {
				top = top.fix("rm " + word(drop.Path) + " && " + reread)
			}
			return only(top.details("set by " + drop.Path))
		}
	}
	return only(top.fix(f.install()))
}

func (f Facts) dropIns() []platform.DropIn {
	if f.Definition.Found == nil {
		return nil
	}
	return f.Definition.Found.DropIns
}
