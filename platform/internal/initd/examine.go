package initd

import (
	"bytes"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
)

// Examine returns what a manager of scripts can learn from files.
func (m Machine) Examine(id platform.ID) platform.Examination {
	var e platform.Examination
	const executable = 0o111
	if info, err := m.Stat(Path(id)); err == nil && info != nil && info.Mode().IsRegular() && info.Mode()&executable == 0 {
		e.Broken = "it cannot be executed: " + Path(id)
		e.Own = map[string]string{platform.MendReread: "chmod 0755 " + Path(id)}
	}
	unit := path.Join("/etc/systemd/system", id.String()+".service")
	if content, err := m.ReadFile(unit); err == nil && !m.Exists(booted) {
		e.Leftovers = []platform.Leftover{{
			Path: unit, Ours: bytes.Contains(content, []byte(mark)), Remove: "rm " + unit,
			Why: "its script starts it, and systemd would start it by this unit",
		}}
	}
	return e
}
