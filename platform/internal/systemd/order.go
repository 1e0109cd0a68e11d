package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// online is the target of the machine's network. Nothing but the Wants= of those
// who need it starts it: After= alone waits for nobody (systemd.special(7)). The
// systemd of a user has no such target.
const online = "network-online.target"

// order says what comes before the service. Requires= and Wants= start things, and
// at the same time, so each of them is in After= as well, as it is on every other
// manager.
func order(f *unitFile, u platform.Unit) {
	units := func(name string) (string, error) { return unitName(name, ".service") }
	wants, after := slices.Clone(u.Wants), slices.Clone(u.After)
	if u.NeedsNetwork && u.Scope == platform.ScopeSystem {
		after = append(after, online)
	}
	if slices.Contains(after, online) {
		wants = append(wants, online)
	}
	f.list("Wants", "wants", unique(wants), units)
	f.list("Requires", "requires", unique(u.Requires), units)
	for _, name := range slices.Concat(u.Requires, wants) {
		if _, err := units(name); err == nil { // else it is refused already
			after = append(after, name)
		}
	}
	f.list("After", "after", unique(after), units)
}

func unique(names []string) []string {
	var all []string
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// Warnings names what this machine's systemd has no unit for. Where none answers,
// or one does that is of another machine, there are no warnings.
func (m *Manager) Warnings(ctx context.Context, u platform.Unit) []string {
	var warnings []string
	for _, name := range room.Ordered(u) {
		full, err := unitName(name.Name, ".service")
		if err != nil {
			continue
		}
		out, err := m.sys.Run(ctx, systemctl(u.Scope, "show", "--property=LoadState", "--", full)...)
		if err == nil && strings.TrimSpace(out) == "LoadState=not-found" {
			warnings = append(warnings, fmt.Sprintf("%s: systemd knows no %s", name.Key, full))
		}
	}
	return warnings
}
