package state

import (
	"fmt"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// programSettings has digests of the program's own tables as the process has read them. Only
// the service's user and the administrator can read the file, because the digest of a short
// secret almost reveals the secret.
type programSettings struct {
	Process  proc.Identity     `json:"process"`
	Settings map[string]string `json:"settings"`
}

// ProgramSettingsPath returns the path of that file for service id with state directory dir.
func ProgramSettingsPath(dir, id string) string { return filepath.Join(dir, id+".settings.json") }

// WriteProgramSettings replaces the file at path atomically. The content is not necessarily on
// disk when it returns.
func WriteProgramSettings(path string, p proc.Identity, settings map[string]string) error {
	if err := files.ReplaceJSON(path, programSettings{p, settings}, 0o600, false); err != nil {
		return fmt.Errorf("settings in force: %w", err)
	}
	return nil
}

// ReadProgramSettings reads what process p has written to path, in the same way as [Read]. If
// another process has written the file, that is an error.
func ReadProgramSettings(path string, p proc.Identity) (map[string]string, error) {
	var found programSettings
	content, _, err := files.Read(path, files.MaxRecord)
	if err == nil {
		err = files.DecodeJSON(content, &found)
	}
	if err == nil && !found.Process.Same(p) {
		err = fmt.Errorf("%s was written by another process (%d)", path, found.Process.PID)
	}
	if err != nil {
		return nil, fmt.Errorf("settings in force: %w", err)
	}
	return found.Settings, nil
}
