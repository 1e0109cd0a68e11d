package state

import (
	"fmt"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// programSettings are the digests of the program's own tables as the process has read
// them. They lie in a file that only the service's user and the administrator can
// read: a digest of a short secret is nearly the secret.
type programSettings struct {
	Process  proc.Identity     `json:"process"`
	Settings map[string]string `json:"settings"`
}

// ProgramSettingsPath is the path of that file, of the service id whose state directory is dir.
func ProgramSettingsPath(dir, id string) string { return filepath.Join(dir, id+".settings.json") }

// WriteProgramSettings replaces the file at path. The content is whole at every instant, and on
// the disk when the system likes.
func WriteProgramSettings(path string, p proc.Identity, settings map[string]string) error {
	if err := files.ReplaceJSON(path, programSettings{p, settings}, 0o600, false); err != nil {
		return fmt.Errorf("settings in force: %w", err)
	}
	return nil
}

// ReadProgramSettings reads what the process p has written to path, as [Read] reads a state
// file: what another process has written is an error.
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
