package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// unused fails if the files to be purged are still in use, by a process that the manager does
// not know.
func (t *target) unused(ctx context.Context) error {
	switch h, err := t.probe(ctx, t.lock()); {
	case err == nil:
		return fmt.Errorf("it still runs outside the manager: %s: stop it first", heldBy(h))
	case !errors.Is(err, singleton.ErrFree):
		return err
	}
	return nil
}

// purge returns the steps that remove what the service has written. A default directory of the
// platform, which is named after the service, is removed with everything in it. A directory
// that code or a flag names is not the service's own. A foreign entry in it is an error,
// unless foreign allows its removal.
func (t *target) purge(foreign bool) ([]platform.Step, error) {
	plain := t.cfg
	plain.RuntimeDir, plain.StateDir = "", ""
	own, err := plain.DirsFor(t.id.Scope)
	if err != nil {
		own = service.Dirs{}
	}
	var steps []platform.Step
	var errs []error
	for _, dir := range []struct{ path, own string }{
		{t.dirs.Runtime, own.Runtime}, {t.dirs.State, own.State}, {t.dirs.Logs, own.Logs},
	} {
		others, err := t.foreign(dir.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && dir.path != dir.own && len(others) > 0 && !foreign {
			err = fmt.Errorf("%s contains %s, which %s not named after the service: move it, or use --purge-foreign to remove it as well",
				dir.path, enumerate(others), isAre(others))
		}
		if at := files.Mounted(dir.path); err == nil && at != "" {
			err = fmt.Errorf("a file system is mounted at %s, which may hold other data: %w: unmount it first", at, files.ErrUntrusted)
		}
		describe := "remove " + dir.path
		if len(others) > 0 {
			describe += " with " + enumerate(others)
		}
		errs = append(errs, err)
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: describe, Path: dir.path})
	}
	return steps, errors.Join(errs...)
}

// foreign returns the names in a directory that do not come from holdfast.
func (t *target) foreign(dir string) ([]string, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() { // a link is removed, but not its target
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		ours := strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), t.id.String()+".") && !e.IsDir() ||
			path == t.dirs.JournalFile(t.id.String())+".desk" || // through which commands ask a journal
			strings.HasPrefix(e.Name(), "output.log") || // written by init scripts
			slices.Contains([]string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs}, path)
		if !ours {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// enumerate lists some of the names, and counts the rest.
func enumerate(names []string) string {
	const most = 10
	names = slices.Clone(names)
	for i, name := range names {
		// The service's user may have chosen the name, and it goes to root's terminal.
		if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(name) {
			names[i] = strconv.Quote(name)
		}
	}
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func isAre(names []string) string {
	if len(names) == 1 {
		return "is"
	}
	return "are"
}
