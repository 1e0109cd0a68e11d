package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// online is the target for the machine's network. Only Wants= of the units that need it starts
// it, and After= alone does not wait for it: see systemd.special(7). A user's systemd has no
// such target.
const online = "network-online.target"

// order sets what comes before the service. Requires= and Wants= start other units, but at the
// same time. So each of these is also in After=, as every other manager does it.
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
	f.list("Requires", "requires", unique(slices.Concat(u.Requires, socketUnits(u))), units)
	for _, name := range slices.Concat(u.Requires, wants) {
		if _, err := units(name); err == nil { // other names have been refused already
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

// Warnings names the services that have no unit in this machine's systemd. If no systemd
// answers, there are no warnings.
func (m *Manager) Warnings(ctx context.Context, u platform.Unit) []string {
	var warnings []string
	for _, name := range room.Ordered(u) {
		full, err := unitName(name.Name, ".service")
		if err != nil {
			continue
		}
		out, err := room.Ask(ctx, m.sys, systemctl(u.Scope, "show", "--property=LoadState", "--", full)...)
		if err == nil && strings.TrimSpace(out) == "LoadState=not-found" {
			warnings = append(warnings, fmt.Sprintf("%s: systemd knows no %s", name.Key, full))
		}
	}
	return warnings
}
