package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// checkReadable returns why the service's user could not read its configuration.
func (t *target) checkReadable(a account) error {
	if t.cfg.File == "" || a.name == "" || a.bypass {
		return nil
	}
	why := barred(t.cfg.File, a, mayRead)
	if why == "" {
		return nil
	}
	hint := "give it access, or choose another user"
	if a.uid == "0" {
		hint = "it runs without capabilities, so mode bits apply to root, too: chown it to root, or keep CAP_DAC_READ_SEARCH"
	}
	return &service.ConfigError{File: t.cfg.File, Err: fmt.Errorf("the service's user, %s, cannot read it: %s: %s", a.name, why, hint)}
}

// checkExecutable returns why the service's user could not run the program.
func (t *target) checkExecutable(a account) error {
	if t.program == "" || a.name == "" || a.bypass {
		return nil
	}
	if why := barred(t.program, a, mayExecute); why != "" {
		return fmt.Errorf("the service's user, %s, cannot run %s: %s: give it access, or install a copy (--copy-to DIR)", a.name, t.program, why)
	}
	return nil
}

// barred says what keeps the account from using the file at path, link by link. It is empty if
// nothing does, or if we cannot tell.
func barred(path string, a account, right fs.FileMode) string {
	why := ""
	walk(path, func(dir, _ string) bool {
		if info, err := os.Stat(dir); err == nil && !permitted(dir, info, a, mayEnter) {
			why = fmt.Sprintf("it has no access to the directory %s (mode %04o)", dir, info.Mode().Perm())
		}
		return why == ""
	})
	if info, err := os.Stat(path); why == "" && err == nil && !permitted(path, info, a, right) {
		why = fmt.Sprintf("the file's mode is %04o", info.Mode().Perm())
	}
	return why
}

// These are mode bits for others.
const (
	mayRead    fs.FileMode = 0o4
	mayExecute fs.FileMode = 0o1
	mayEnter   fs.FileMode = 0o1
)

// checkDirectories returns which directories are missing that the manager will enter or open
// for writing. Directories that it makes itself need not exist.
func (t *target) checkDirectories() error {
	var errs []error
	check := func(key, dir string) {
		if dir == "" || !filepath.IsAbs(dir) || t.makes(dir) {
			return
		}
		info, err := t.System.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, t.cfg.ErrorAt(key, missingDir(dir)))
		case err == nil && key == workingDirectory && !info.IsDir():
			errs = append(errs, t.cfg.ErrorAt(key, fmt.Errorf("%s is not a directory", dir)))
		}
	}
	check(workingDirectory, t.cfg.WorkingDirectory)
	// Other managers ignore these. In systemd, "-" marks a directory that may be missing.
	if t.manager != nil && t.manager.Name() == "systemd" && t.id.Scope == platform.ScopeSystem && t.cfg.Hardening.ProtectSystem == platform.On {
		for _, dir := range t.cfg.Hardening.ReadWritePaths {
			check("service.hardening.read_write_paths", strings.TrimPrefix(dir, "+"))
		}
		if t.cfg.Log.File != "" {
			check("service.log.file", filepath.Dir(t.cfg.Log.File))
		}
	}
	return errors.Join(errs...)
}

// A missingDir is the path of a missing directory.
type missingDir string

func (d missingDir) Error() string { return string(d) + " does not exist: create it" }

const workingDirectory = "service.working_directory"

// makes reports whether dir is one of the service's own, which the manager makes.
func (t *target) makes(dir string) bool {
	for _, own := range []string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs, t.dirs.Config} {
		if dir := filepath.Clean(dir); own != "" && (dir == own || strings.HasPrefix(dir, own+string(filepath.Separator))) {
			return true
		}
	}
	return false
}
