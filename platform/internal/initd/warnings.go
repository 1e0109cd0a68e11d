package initd

import (
	"fmt"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Warnings names the services that have no script on this machine, because the programs that
// order the scripts ignore them. Plan refuses missing services that are required.
func (m Machine) Warnings(u platform.Unit) []string {
	if !m.Exists(m.Dialect.Sign) {
		return nil // a plan for another machine
	}
	var warnings []string
	for _, name := range room.Ordered(u) {
		word, err := m.Dialect.Dependency(name.Name)
		if err == nil && facility(name.Name) == 0 && !m.Exists(path.Join(Scripts, word)) {
			warnings = append(warnings, fmt.Sprintf("%s: there is no %s", name.Key, path.Join(Scripts, word)))
		}
	}
	return warnings
}
