package upgrade

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// programMode lets everybody run a version, since the service's user has to, but only its
// owner change it.
const programMode fs.FileMode = 0o755

// shortDigest is the number of hexadecimal digits of a digest that distinguish versions.
const shortDigest = 8

// stagePrefix begins the names of directories that are not versions yet.
const stagePrefix = ".new-"

// VersionsDir returns the directory of the versions of the program at stable.
func VersionsDir(stable string) string { return stable + ".versions" }

// stage copies the program at source into the directory of versions, and returns the path and
// the digest of the copy. Nobody else can have the copy open for writing. All checks examine
// the copy.
func (e *Engine) stage(source string) (path, digest string, err error) {
	versions := VersionsDir(e.Stable)
	dir := filepath.Join(versions, stagePrefix+e.ID)
	path = filepath.Join(dir, filepath.Base(e.Stable))
	err = e.inOrder(
		do{"make the directory of versions", func() error { return makeDir(versions) }},
		do{"make a directory", func() error { return makeDir(dir) }},
		do{"copy the program", func() (err error) { digest, err = copyProgram(source, path); return err }},
		do{"copy its attributes", func() error { return likeStable(e.Stable, path) }},
	)
	if err != nil && !isCut(err) {
		err = errors.Join(err, files.RemoveTree(dir))
	}
	return path, digest, err
}

// do is one change of the file system.
type do struct {
	what string
	how  func() error
}

// inOrder makes the changes one after the other, until one fails.
func (e *Engine) inOrder(changes ...do) error {
	for _, c := range changes {
		if err := e.before(c.what); err != nil {
			return err
		}
		if err := c.how(); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a directory that nobody else can write to, regardless of the umask.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o755) //nolint:gosec // the service's user runs what is in it
	made := err == nil
	switch {
	case made:
		err = os.Chmod(dir, 0o755) //nolint:gosec // likewise
	case errors.Is(err, fs.ErrExist):
		var info fs.FileInfo
		if info, err = os.Lstat(dir); err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a directory: %w: remove it", dir, files.ErrUntrusted)
		}
	}
	if err != nil {
		return err
	}
	return ours(dir, made)
}

// maxProgram is the largest program that is accepted, in bytes. No linker makes a larger one.
// Without this limit, whoever may write the source could fill the disk with an endless file
// before the source is verified.
const maxProgram int64 = 2 << 30

// copyProgram copies a regular file durably. Nothing may exist at path.
func copyProgram(source, path string) (digest string, err error) {
	from, err := files.OpenToRead(source)
	if err != nil {
		return "", err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return "", err
	}
	size := info.Size()
	if size > maxProgram {
		return "", fmt.Errorf("%w: %s has %d bytes, and %d are the most", errForeignProgram, source, size, maxProgram)
	}
	to, err := files.Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, programMode)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, h), io.LimitReader(from, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("%s changed while it was copied", source)
	}
	if err == nil {
		err = to.Chmod(programMode)
	}
	if err == nil {
		err = to.Sync()
	}
	if e := to.Close(); err == nil {
		err = e
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// settleDown renames the staged copy to its place among the versions. If the same version is
// there already and unchanged, that one is used instead.
func (e *Engine) settleDown(staged string, v Version) (string, error) {
	versions := VersionsDir(e.Stable)
	dir := filepath.Join(versions, versionName(v.Version, v.SHA256))
	path := filepath.Join(dir, filepath.Base(e.Stable))
	if there, err := Digest(path); err == nil && there == v.SHA256 {
		return path, e.inOrder(do{"remove the copy", func() error { return os.RemoveAll(filepath.Dir(staged)) }})
	}
	return path, e.inOrder(
		do{"remove what is in its place", func() error { return os.RemoveAll(dir) }},
		do{"sync its directory", func() error { return files.SyncDir(filepath.Dir(staged)) }},
		do{"name its directory", func() error { return files.Rename(filepath.Dir(staged), dir) }},
		do{"sync the directory of versions", func() error { return files.SyncDir(versions) }},
		do{"sync the directory of the program", func() error { return files.SyncDir(filepath.Dir(e.Stable)) }},
	)
}

// versionName returns the name of a version's directory.
func versionName(version, digest string) string {
	version = regexp.MustCompile(`[^\w.+-]+`).ReplaceAllString(version, "_")
	version = strings.TrimLeft(version, ".-")
	if version == "" {
		version = "devel"
	}
	const most = 80
	return version[:min(len(version), most)] + "-" + digest[:shortDigest]
}

// keep adds the confirmed version, which is about to lose the stable path, to the kept
// versions.
func (e *Engine) keep(v Version) (string, error) {
	versions := VersionsDir(e.Stable)
	dir := filepath.Join(versions, versionName(v.Version, v.SHA256))
	path := filepath.Join(dir, filepath.Base(e.Stable))
	if there, err := Digest(path); err == nil && there == v.SHA256 {
		return path, nil
	}
	return path, e.inOrder(
		do{"make the directory of versions", func() error { return makeDir(versions) }},
		do{"remove what is in its place", func() error { return os.RemoveAll(dir) }},
		do{"make a directory", func() error { return makeDir(dir) }},
		do{"give it a second name", func() error { return same(e.Stable, path) }},
		do{"sync its directory", func() error { return files.SyncDir(dir) }},
		do{"sync the directory of versions", func() error { return files.SyncDir(versions) }},
	)
}

// same gives a program a second name, or copies it if hard links do not work.
func same(program, path string) error {
	if os.Link(program, path) == nil {
		return nil
	}
	if _, err := copyProgram(program, path); err != nil {
		return err
	}
	return likeStable(program, path)
}

// swap atomically replaces the program at the stable path by the candidate.
func (e *Engine) swap(candidate string) error {
	dir, _ := filepath.Split(e.Stable)
	beside := beside(e.Stable)
	err := e.inOrder(
		do{"remove the file next to it", func() error { return absentIsFine(os.Remove(beside)) }},
		do{"write the new file next to it", func() error { return same(candidate, beside) }},
		do{"sync the directory of the program", func() error { return files.SyncDir(dir) }},
		do{"rename it over the program", func() error { return e.replace(beside) }},
	)
	if isCut(err) {
		return err
	}
	if err != nil {
		return errors.Join(err, absentIsFine(os.Remove(beside)))
	}
	// From here on the upgrade is confirmed. No failure undoes it.
	if err := e.inOrder(do{"sync what was renamed", func() error { return files.SyncDir(dir) }}); isCut(err) {
		return err
	} else if err != nil {
		e.note("after a power cut the previous version might be back: " + err.Error())
	}
	return nil
}

// beside returns the path of a version before it is renamed to the stable path.
func beside(stable string) string {
	dir, name := filepath.Split(stable)
	return filepath.Join(dir, "."+name+".new")
}

func absentIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes what interrupted upgrades have left: copies that never became versions, and
// versions that are neither in the ledger nor the source of this upgrade.
func (e *Engine) sweep() {
	_ = os.Remove(beside(e.Stable))
	versions := VersionsDir(e.Stable)
	if info, err := os.Lstat(versions); err != nil || !info.IsDir() {
		return // a FIFO would block, and a link would lead elsewhere
	}
	entries, err := os.ReadDir(versions)
	if err != nil {
		return
	}
	for _, entry := range entries {
		program := filepath.Join(versions, entry.Name(), filepath.Base(e.Stable))
		known := slices.ContainsFunc(e.ledger.Kept, func(v Version) bool { return v.Path == program })
		if !known && program != e.ledger.Confirmed.Path && program != e.Source {
			_ = files.RemoveTree(filepath.Dir(program))
		}
	}
}

// drop removes a version that is no longer kept.
func drop(stable, path string) {
	if dir := filepath.Dir(path); filepath.Dir(dir) == VersionsDir(stable) {
		_ = files.RemoveTree(dir)
	}
}

// Digest returns the SHA-256 of the regular file at path, in hexadecimal.
func Digest(path string) (string, error) {
	f, err := files.OpenToRead(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
