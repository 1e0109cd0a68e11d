package state

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// manifestFormat is the version of the format of a [Manifest]. Readers refuse a newer one. New
// fields do not change it.
const manifestFormat = 1

// A Manifest records what an install was told, and what it wrote. The next install keeps the
// flags, and the installed service can be compared with what install would write now. The
// manifest is in a directory of the administrator, or of the user for a user's service, and
// never in one that the service's user can write to.
type Manifest struct {
	Format   int            `json:"format"`
	Name     string         `json:"name"`
	Instance string         `json:"instance,omitempty"`
	Scope    platform.Scope `json:"scope"`
	Manager  string         `json:"manager"`
	// Told has the flags that installs were given, by name, without those that a later install
	// has revoked. A flag with an empty value was given with an empty value.
	Told map[string]string `json:"told,omitempty"`
	// Host has the flags of the surrounding application that are part of the installed
	// commands, by name, as words of a command line.
	Host map[string][]string `json:"host,omitempty"`
	// Program is the path of the program that the manager starts.
	Program string `json:"program"`
	// Settings has digests, by key, of the settings in the definition that are not the
	// defaults.
	Settings map[string]string `json:"settings,omitempty"`
	// Account names the parts of the service's account that installs have created
	// (--create-user).
	Account Account `json:"account,omitzero"`
	// Copies are the programs that installs have copied (--copy-to).
	Copies []Copied `json:"copies,omitempty"`
	// Config is the configuration file that an install has written.
	Config Laid `json:"config,omitzero"`
	// RuntimeDir and StateDir are directories that the program itself has chosen: neither the
	// defaults nor given by flags.
	RuntimeDir string `json:"runtime_dir,omitempty"`
	StateDir   string `json:"state_dir,omitempty"`
	// Changed is when an install last changed the definition. A process that is older runs by
	// an earlier definition.
	Changed time.Time `json:"changed,omitzero"`
}

// Copied describes a program that an install has copied.
type Copied struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // of its content, in hexadecimal
}

// Laid describes a configuration file that an install has written because there was none.
type Laid struct {
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // of the latest content that the program provided, in hexadecimal
	// Beside is where that content was written because somebody had changed the file. It is
	// empty if the content is in the file itself.
	Beside string `json:"beside,omitempty"`
	// Dirs are the directories that were made for it, the deepest first.
	Dirs []string `json:"dirs,omitempty"`
}

// An Account is a user and a group. Either may be empty, which means none.
type Account struct {
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
}

// ManifestPath returns the path of the manifest of service id in directory dir.
func ManifestPath(dir, id string) string { return filepath.Join(dir, id+".json") }

// ReadManifest reads the manifest at path as [files.ReadTrusted] does: it refuses one that
// anybody but the administrator and this process's user could have written. The error wraps
// fs.ErrNotExist if there is none.
func ReadManifest(path string) (Manifest, error) {
	return Manifests(filepath.Dir(path))(filepath.Base(path))
}

// Manifests returns a function that does the same as [ReadManifest] for the files of one
// directory, by name: see [files.AllTrusted].
func Manifests(dir string) func(name string) (Manifest, error) {
	read := files.AllTrusted(dir)
	return func(name string) (Manifest, error) { return parseManifest(filepath.Join(dir, name), read) }
}

func parseManifest(path string, read func(name string, limit int64) ([]byte, error)) (Manifest, error) {
	fail := func(err error) (Manifest, error) {
		return Manifest{}, fmt.Errorf("record of the installation: %w", err)
	}
	content, err := read(filepath.Base(path), files.MaxRecord)
	if err != nil {
		return fail(err)
	}
	var m Manifest
	switch err := files.DecodeJSON(content, &m); {
	case err != nil:
		return fail(fmt.Errorf("%s: %w: remove it, and run install with all its flags", path, err))
	case m.Format > manifestFormat || m.Format < 1:
		return fail(fmt.Errorf("%s: %w: its format is %d, and this program knows %d: use the newer program, or remove the file, and run install with all its flags",
			path, files.ErrMalformed, m.Format, manifestFormat))
	}
	return m, nil
}

// WriteManifestStep returns the step that writes m to path, whose directory must exist.
// Everybody may read the file, and only its owner may write it. WriteManifestStep sets
// m.Format.
func WriteManifestStep(path string, m *Manifest) (platform.Step, error) {
	m.Format = manifestFormat
	content, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return platform.Step{}, fmt.Errorf("record of the installation: %w", err)
	}
	return platform.Step{
		Kind: platform.StepWriteFile, Describe: "write the record of the installation", Path: path, Mode: 0o644, Content: append(content, '\n'),
	}, nil
}

// RemoveManifestStep returns the step that removes the manifest at path.
func RemoveManifestStep(path string) platform.Step {
	return platform.Step{Kind: platform.StepRemoveFile, Describe: "remove the record of the installation", Path: path}
}

// JournalPath returns the path of the journal of the installation whose manifest is at path.
// It cannot collide with the manifest of another service.
func JournalPath(path string) string { return strings.TrimSuffix(path, ".json") + ".journal" }

// LockPath returns the path of the lock file of that installation: see [JournalPath].
func LockPath(path string) string { return strings.TrimSuffix(path, ".json") + ".changing" }
