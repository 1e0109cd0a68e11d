package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// defaultFileMode lets everybody read the file, as the service's user must. A file that comes
// with a program is not secret.
const defaultFileMode fs.FileMode = 0o644

// conceal makes the file readable only for the service and for whoever installs it, if the
// file is secret. It also does so for a file that is unchanged, or that had another user until
// now.
func (t *target) conceal(ctx context.Context) error {
	f := &t.defaultFile
	if !t.cfg.DefaultFileSecret || f.path == "" {
		return nil
	}
	gid, mode := -1, fs.FileMode(0o600)
	if c := t.cfg; t.id.Scope == platform.ScopeSystem && c.User != "" && c.User != "root" && (t.manager == nil || t.manager.Name() != "scm") {
		_, gids, err := t.Accounts.User(ctx, c.User)
		if err == nil && c.Group != "" {
			var gid string
			gid, err = t.Accounts.Group(ctx, c.Group)
			gids = []string{gid}
		}
		if err == nil {
			mode = 0o640
			gid, err = strconv.Atoi(gids[0])
		}
		if err != nil {
			return fmt.Errorf("%s may be read by %s only, so that user has to exist first: %w", f.path, c.User, err)
		}
	}
	writes := func(s platform.Step) bool { return s.Kind == platform.StepWriteFile }
	if !slices.ContainsFunc(f.steps, writes) && t.open(f.path, mode, gid) {
		f.steps = append(f.steps, writeDefaultFile(f.path, "let only the service's user read the configuration", t.cfg.DefaultFile))
	}
	for i := range f.steps {
		s := &f.steps[i]
		if !writes(*s) {
			continue
		}
		s.Mode = mode
		if s.Owner != nil && gid >= 0 {
			s.Owner.GID = gid
		}
	}
	return nil
}

// open reports whether the file has another mode or another group. A gid of -1 means that the
// group does not matter.
func (t *target) open(path string, mode fs.FileMode, gid int) bool {
	info, err := t.System.Stat(path)
	if err != nil || os.Geteuid() < 0 { // Windows
		return false
	}
	owner, err := installer.ServiceApplier{System: t.System}.Owner(path)
	return err == nil && (info.Mode().Perm() != mode || gid >= 0 && owner.GID >= 0 && owner.GID != gid)
}

func writeDefaultFile(path, what, text string) platform.Step {
	s := platform.Step{Kind: platform.StepWriteFile, Describe: what, Path: path, Mode: defaultFileMode, Content: []byte(text)}
	if uid := os.Geteuid(); uid >= 0 {
		s.Owner = &platform.Owner{UID: uid, GID: os.Getegid()}
	}
	return s
}

// A defaultFile is what an install does with the configuration file that comes with the
// program: see [service.Config.DefaultFile].
type defaultFile struct {
	path  string          // of the file; empty: there is nothing to do
	anew  bool            // the file is written, with the content of the program's file
	steps []platform.Step // in order
	note  string          // for people; may be empty
}

// planDefaultFile decides what happens to the program's configuration file, and puts it in
// force for the plan. It does not touch a file that no install has written, or one that
// --config names.
func (a *app) planDefaultFile(cmd *cobra.Command, t *target) {
	text := a.cfg.DefaultFile
	named := cmd.Flags().Changed("config") || a.cfg.File != "" && a.cfg.File != t.usual
	if !a.placesDefaultFile || text == "" || t.usual == "" || named || a.fileless || !a.here() {
		return
	}
	t.defaultFile = t.placeDefaultFile(t.usual, text)
	if t.defaultFile.anew {
		a.cfg.File = t.usual
	}
}

func (t *target) placeDefaultFile(path, text string) defaultFile {
	sum := sha256.Sum256([]byte(text))
	offered := hex.EncodeToString(sum[:])
	before := t.laid
	ours := before.Path == path
	write := func(path, what string) platform.Step { return writeDefaultFile(path, what, text) }
	there, err := t.digest(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		t.laid = state.Laid{Path: path, SHA256: offered, Dirs: append(t.missing(dir), before.Dirs...)}
		return defaultFile{path, true, append(t.removeBeside(before),
			platform.Step{Kind: platform.StepMakeDir, Describe: "make the directory of the configuration", Path: dir, Mode: 0o755},
			write(path, "the configuration that comes with the program")), ""}
	case err != nil || !ours, there != offered && before.SHA256 == offered: // not ours, or changed while the new content is already known
		return defaultFile{}
	case there == offered:
		t.laid = state.Laid{Path: path, SHA256: offered, Dirs: before.Dirs}
		return defaultFile{path, false, t.removeBeside(before), ""}
	case there == before.SHA256:
		t.laid = state.Laid{Path: path, SHA256: offered, Dirs: before.Dirs}
		return defaultFile{path, true, append(t.removeBeside(before), write(path, "the configuration that comes with this version; the previous one is unchanged")), ""}
	}
	beside := path + ".new"
	t.laid = state.Laid{Path: path, SHA256: offered, Beside: beside, Dirs: before.Dirs}
	return defaultFile{
		path, false,
		[]platform.Step{write(beside, "the configuration that comes with this version, next to the changed one")},
		fmt.Sprintf("%s was changed and is kept; the configuration of this version is written to %s", path, beside),
	}
}

// removeBeside removes the file that an earlier install has put beside the configuration, if
// nobody has changed it.
func (t *target) removeBeside(before state.Laid) []platform.Step {
	if sum, err := t.digest(before.Beside); before.Beside == "" || err != nil || sum != before.SHA256 {
		return nil
	}
	return []platform.Step{{Kind: platform.StepRemoveFile, Describe: "remove the configuration that was written next to it", Path: before.Beside}}
}

// missing returns the directories that must be made so that dir exists, the deepest first.
func (t *target) missing(dir string) (all []string) {
	for ; t.absent(dir) && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		all = append(all, dir)
	}
	return all
}

// removeDefaultFile returns the steps that remove the configuration file which an install has
// written, if nobody has changed it, and the directories that were made for it.
func (t *target) removeDefaultFile() []platform.Step {
	l := t.laid
	if l.Path == "" || t.otherManager != "" {
		return nil
	}
	steps := t.removeBeside(l)
	if sum, err := t.digest(l.Path); err == nil && sum == l.SHA256 {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveFile, Describe: "remove the unchanged configuration", Path: l.Path})
	}
	for _, dir := range l.Dirs {
		if !t.absent(dir) {
			steps = append(steps, platform.Step{Kind: platform.StepDropDir, Describe: "remove the directory of the configuration, if it is empty", Path: dir})
		}
	}
	return steps
}

// redefines reports whether the steps change a definition, so that the service may need a
// restart.
func (t *target) redefines(all []change) bool {
	return slices.ContainsFunc(all, func(c change) bool {
		return t.defaultFile.path == "" || c.Path != t.defaultFile.path && c.Path != t.defaultFile.path+".new"
	})
}
