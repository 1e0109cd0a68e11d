package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A Member is what a machine shows of itself, as far as a rollout needs it.
type Member struct {
	Version string
	Ready   bool // it serves, or would if it led
	Leader  bool
}

// A machine is a member, and what the roster knows of it.
type machine struct {
	Member
	name     string
	live     bool
	attended string // the digest for which a command waits there
}

// serves reports whether the machine counts as available.
func (m machine) serves() bool { return m.live && m.Ready }

// A view is the plan and all machines at one instant.
type view struct {
	Plan
	machines []machine
	board    singleton.Board
}

func (v view) machine(name string) machine {
	if i := slices.IndexFunc(v.machines, func(m machine) bool { return m.name == name }); i >= 0 {
		return v.machines[i]
	}
	return machine{name: name}
}

// knows reports whether the machine was ever seen.
func (v view) knows(name string) bool {
	return slices.ContainsFunc(v.machines, func(m machine) bool { return m.name == name })
}

// away returns the other machines that are unavailable, each with the reason.
func (v view) away(self string) (all []string) {
	for _, t := range v.Rollout.Turns {
		if t.Machine == self || !t.Begun() {
			continue
		}
		text := fmt.Sprintf("%s is in its turn since %s", t.Machine, t.Since.Local().Format(time.TimeOnly))
		if m := v.machine(t.Machine); m.attended == "" && !m.live {
			text += ", and is down: repeat the upgrade there, or" + release(t.Machine)
		} else if m.attended == "" {
			text += ", and no command waits there for its end"
		}
		all = append(all, text)
	}
	for _, m := range v.machines {
		t := v.Rollout.Turn(m.name)
		switch {
		case m.name == self || m.serves() || t != nil && (t.Begun() || t.State == Released):
		case m.live:
			all = append(all, m.name+" is not ready: bring it up, or"+release(m.name))
		default:
			all = append(all, m.name+" is down: bring it up, or"+release(m.name))
		}
	}
	return all
}

// release names the command after which nobody waits for a machine.
func release(name string) string {
	return fmt.Sprintf(" run `fleet release %s` to go on without it", name)
}

// unfinished returns the other live machines whose turn is still to come.
func (v view) unfinished(self string) (all []machine) {
	for _, m := range v.machines {
		if t := v.Rollout.Turn(m.name); m.name != self && m.live && (t == nil || t.Begun()) {
			all = append(all, m)
		}
	}
	return all
}

// settling returns what the rollout waits for before its canaries can count as settled; "" if
// they have only to go on like this.
func (v view) settling() string {
	r := v.Rollout
	for _, t := range r.Turns {
		m := v.machine(t.Machine)
		switch {
		case t.State != Confirmed:
		case !m.serves():
			return "the canary " + t.Machine + " is not ready"
		case r.Version != "" && m.Version != "" && m.Version != r.Version:
			return fmt.Sprintf("the canary %s runs %s, and not %s", t.Machine, m.Version, r.Version)
		}
	}
	return ""
}

// proven reports whether enough canaries are confirmed, or all that there are.
func (v view) proven() bool {
	r := v.Rollout
	confirmed := len(r.machines(Confirmed))
	enough := confirmed >= max(r.Canaries, 1) || confirmed > 0 && len(v.unfinished("")) == 0
	return enough && len(r.machines(Upgrading)) == 0
}

// obstacle returns why self may not begin its turn now, and "" if it may.
func (v view) obstacle(self string) string {
	r := v.Rollout
	if away := v.away(self); len(away) >= max(r.MaxUnavailable, 1) {
		return strings.Join(away, "; ")
	}
	if !r.Open && len(r.machines(Confirmed, Upgrading)) >= max(r.Canaries, 1) {
		if text := v.settling(); text != "" {
			return text
		}
		if under := r.machines(Upgrading); len(under) > 0 {
			return "it is the turn of the canary " + strings.Join(under, ", ")
		}
		return fmt.Sprintf("the canary %s has to serve for %v", strings.Join(r.machines(Confirmed), ", "), r.CanarySettle)
	}
	if others := v.unfinished(self); r.LeaderLast && v.machine(self).Leader && len(others) > 0 {
		var names []string
		for _, m := range others {
			name := m.name
			if m.attended != r.SHA256 {
				name += " (no upgrade waits there)"
			}
			names = append(names, name)
		}
		return "this machine leads, and its turn is after " + strings.Join(names, ", ")
	}
	return ""
}

// obstacleBack is obstacle for the way back of a machine that has the stopped version.
func (v view) obstacleBack(self string) string {
	r := v.Rollout
	if away := v.away(self); len(away) >= max(r.MaxUnavailable, 1) {
		return strings.Join(away, "; ")
	}
	if !r.LeaderLast || !v.machine(self).Leader {
		return ""
	}
	var others []string
	for _, name := range r.machines(Confirmed, GoingBack) {
		if m := v.machine(name); name != self && m.attended == r.SHA256 {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "this machine leads, and goes back after " + strings.Join(others, ", ")
}

// pending returns what the others still have to do before the rollout is over for a machine
// that has done its part; "" if nothing is left.
func (v view) pending(self string) string {
	r := v.Rollout
	var names []string
	for _, m := range v.machines {
		if t := r.Turn(m.name); m.name != self && (t != nil && t.Begun() || t == nil && m.attended == r.SHA256) {
			names = append(names, m.name)
		}
	}
	switch {
	case len(names) > 0:
		return "the rest of the rollout: " + strings.Join(names, ", ")
	case !r.Open:
		if text := v.settling(); text != "" {
			return text
		}
		return fmt.Sprintf("this canary has to serve for %v", r.CanarySettle)
	}
	return ""
}
