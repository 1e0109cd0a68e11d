//go:build !windows

package trial

import "github.com/holdfast-dev/holdfast/platform/proc"

func thisBoot() (string, error) {
	self, err := proc.Self()
	return self.Boot, err
}

// nameBoot has nothing to add: who begins a trial knows the names.
func nameBoot() (string, error) { return "", nil }
