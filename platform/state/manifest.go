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

// manifestFormat is the version of the format of a [Manifest]. A reader refuses a
// higher one; fields that are added do not change it.
const manifestFormat = 1

// Manifest is what an install was told, and what it wrote: the next one keeps it,
// and what was installed can be compared with what would be installed now. It lies
// in a directory of the administrator's (a user's, for a service of that user),
// and never in one that the service's user can write to.
type Manifest struct {
	Format   int            `json:"format"`
	Name     string         `json:"name"`
	Instance string         `json:"instance,omitempty"`
	Scope    platform.Scope `json:"scope"`
	Manager  string         `json:"manager"`
	// Told are the flags that the install was given, by name, without those that a
	// later one has taken back. One that is empty was given, and was empty.
	Told map[string]string `json:"told,omitempty"`
	// Host are the flags of the application around the service's commands that are in
	// what was installed, by name, as words of a command line.
	Host map[string][]string `json:"host,omitempty"`
	// Program is what the manager starts.
	Program string `json:"program"`
	// Settings are digests of the settings in the definition that are not the defaults, by key.
	Settings map[string]string `json:"settings,omitempty"`
	// Account is what installs have made of the service's account (--create-user).
	Account Account `json:"account,omitzero"`
	// Copies are the programs that installs have put somewhere (--copy-to).
	Copies []Copied `json:"copies,omitempty"`
	// Config is the configuration file that an install has written.
	Config Laid `json:"config,omitzero"`
	// RuntimeDir and StateDir are where its program has it keep its files, where that is
	// not the usual place and no flag has said so.
	RuntimeDir string `json:"runtime_dir,omitempty"`
	StateDir   string `json:"state_dir,omitempty"`
	// Changed is when an install last changed the definition: a process that is
	// older runs by another one.
	Changed time.Time `json:"changed,omitzero"`
}

// Copied is a program that an install has copied.
type Copied struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // of its content, in hexadecimal digits
}

// Laid is a configuration file that an install has written, as there was none.
type Laid struct {
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // of what the program last had for it, in hexadecimal digits
	// Beside is where that was laid, as somebody had changed the file; empty: in its place.
	Beside string `json:"beside,omitempty"`
	// Dirs are the directories that were made for it, the deepest first.
	Dirs []string `json:"dirs,omitempty"`
}

// Account are a user and a group; one that is empty is not meant.
type Account struct {
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
}

// ManifestPath is the path of the manifest of the service id in the directory dir.
func ManifestPath(dir, id string) string { return filepath.Join(dir, id+".json") }

// ReadManifest reads the manifest at path as [Read] reads a state file, and refuses
// one that others than the administrator and we could have written. The error wraps fs.ErrNotExist if
// there is none.
func ReadManifest(path string) (Manifest, error) {
	return Manifests(filepath.Dir(path))(filepath.Base(path))
}

// Manifests returns [ReadManifest] for those of one directory, by the names of their files: see
// [files.AllTrusted].
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
		return fail(fmt.Errorf("%s: %w: remove it, and install with all flags", path, err))
	case m.Format > manifestFormat || m.Format < 1:
		return fail(fmt.Errorf("%s: %w: its format is %d, and this program knows %d: use the newer one, or remove the file and install with all flags",
			path, files.ErrMalformed, m.Format, manifestFormat))
	}
	return m, nil
}

// WriteManifestStep is the step that writes m to path, whose directory is there.
// Everybody may read it, and only its owner write. m gets the format that it is
// written in.
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

// RemoveManifestStep is the step that removes the manifest at path.
func RemoveManifestStep(path string) platform.Step {
	return platform.Step{Kind: platform.StepRemoveFile, Describe: "remove the record of the installation", Path: path}
}

// JournalPath is the path of the journal of the installation whose manifest is at
// path, and LockPath that of its lock. No service has a name with which its
// manifest would be called so.
func JournalPath(path string) string { return strings.TrimSuffix(path, ".json") + ".journal" }

// LockPath says where the lock is: see [JournalPath].
func LockPath(path string) string { return strings.TrimSuffix(path, ".json") + ".changing" }
