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
	"strings"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// programMode lets everybody run a version, as the service's user has to, and nobody
// but its owner change it.
const programMode fs.FileMode = 0o755

// shortDigest is how much of a digest, in hexadecimal digits, tells versions apart.
const shortDigest = 8

// stagePrefix begins the names of what is not a version yet.
const stagePrefix = ".new-"

// VersionsDir is the directory of the versions of the program at stable.
func VersionsDir(stable string) string { return stable + ".versions" }

// stage copies the program at source into the directory of versions, as a file that
// nobody else can have open for writing, and returns its path and digest. What was
// copied is what is looked at from then on.
func stage(source, stable, id string) (path, digest string, err error) {
	dir := filepath.Join(VersionsDir(stable), stagePrefix+id)
	if err := makeDir(VersionsDir(stable)); err != nil {
		return "", "", err
	}
	if err := makeDir(dir); err != nil {
		return "", "", err
	}
	path = filepath.Join(dir, filepath.Base(stable))
	digest, err = copyProgram(source, path)
	if err == nil {
		err = likeStable(stable, path)
	}
	if err != nil {
		return "", "", errors.Join(err, os.RemoveAll(dir))
	}
	return path, digest, nil
}

// makeDir makes a directory that nobody else can write to, whatever the umask.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o755) //nolint:gosec // the service's user runs what is in it
	switch {
	case err == nil:
		err = os.Chmod(dir, 0o755) //nolint:gosec // likewise
	case errors.Is(err, fs.ErrExist):
		var info fs.FileInfo
		if info, err = os.Lstat(dir); err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no directory: %w: remove it", dir, files.ErrUntrusted)
		}
	}
	if err != nil {
		return err
	}
	return ours(dir)
}

// copyProgram copies a regular file, durably, to a path where nothing may be.
func copyProgram(source, path string) (digest string, err error) {
	from, err := files.OpenToRead(source)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := files.Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, programMode)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, h), from)
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

// settleDown gives what was staged its name as a version. The same version that is
// there already is taken instead, if it is still what it was.
func settleDown(staged, stable, version, digest string) (string, error) {
	dir := filepath.Join(VersionsDir(stable), versionName(version, digest))
	path := filepath.Join(dir, filepath.Base(stable))
	if there, err := Digest(path); err == nil && there == digest {
		return path, os.RemoveAll(filepath.Dir(staged))
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := files.SyncDir(filepath.Dir(staged)); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Dir(staged), dir); err != nil {
		return "", err
	}
	return path, errors.Join(files.SyncDir(VersionsDir(stable)), files.SyncDir(filepath.Dir(stable)))
}

// versionName is the name of a version's directory.
func versionName(version, digest string) string {
	version = regexp.MustCompile(`[^\w.+-]+`).ReplaceAllString(version, "_")
	version = strings.TrimLeft(version, ".-")
	if version == "" {
		version = "devel"
	}
	const most = 80
	return version[:min(len(version), most)] + "-" + digest[:shortDigest]
}

// keep has the confirmed version, which is about to lose the stable path, stay as one
// of the versions.
func keep(stable string, v Version) (string, error) {
	dir := filepath.Join(VersionsDir(stable), versionName(v.Version, v.SHA256))
	path := filepath.Join(dir, filepath.Base(stable))
	if there, err := Digest(path); err == nil && there == v.SHA256 {
		return path, nil
	}
	if err := makeDir(VersionsDir(stable)); err != nil {
		return "", err
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	if err := same(stable, path); err != nil {
		return "", err
	}
	return path, errors.Join(files.SyncDir(dir), files.SyncDir(VersionsDir(stable)))
}

// same gives a program a second name, or a copy where there are no hard links.
func same(program, path string) error {
	if os.Link(program, path) == nil {
		return nil
	}
	if _, err := copyProgram(program, path); err != nil {
		return err
	}
	return likeStable(program, path)
}

// swap has the stable path lead to candidate from one instant to the next.
func swap(stable, candidate string) error {
	dir, name := filepath.Split(stable)
	beside := filepath.Join(dir, "."+name+".new")
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := same(candidate, beside); err != nil {
		return err
	}
	if err := files.SyncDir(dir); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	if err := os.Rename(beside, stable); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return files.SyncDir(dir)
}

// sweep removes what upgrades that were cut off have left of programs that never
// were versions.
func sweep(stable string) {
	entries, err := os.ReadDir(VersionsDir(stable))
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagePrefix) {
			_ = os.RemoveAll(filepath.Join(VersionsDir(stable), e.Name()))
		}
	}
}

// drop removes a version that is not kept.
func drop(stable, path string) {
	if dir := filepath.Dir(path); filepath.Dir(dir) == VersionsDir(stable) {
		_ = os.RemoveAll(dir)
	}
}

// Digest is the SHA-256 of the regular file at path, in hexadecimal.
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
