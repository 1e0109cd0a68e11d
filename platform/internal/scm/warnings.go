package scm

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Warnings names the services of u that this machine does not have. The SCM accepts these at
// install, but will not start the service.
func (m *Manager) Warnings(_ context.Context, u platform.Unit) []string {
	names := room.Ordered(u)
	for _, name := range u.Windows.Dependencies {
		names = append(names, room.Named{Key: "windows.dependencies", Name: name})
	}
	var warnings []string
	for _, name := range names {
		if strings.HasPrefix(name.Name, "+") { // a group exists if one of its services does
			continue
		}
		if _, err := m.machine.Query(name.Name); code(err) == errDoesNotExist {
			warnings = append(warnings, fmt.Sprintf("%s: there is no service %q, and this one does not start without it", name.Key, name.Name))
		}
	}
	return warnings
}
