package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// ours closes a directory that we have made, and refuses one that somebody other than
// administrators can write to.
func ours(dir string, made bool) error {
	if made {
		return files.Seal(dir)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	return files.Owned(dir, info, false)
}

// asidePrefix begins the names of versions that have lost their path; sweep removes them.
const asidePrefix = ".old-"

// aside is where the confirmed version lies for the instant in which the stable path
// leads to nothing, and as long as processes run it.
func (e *Engine) aside() string {
	return filepath.Join(VersionsDir(e.Stable), asidePrefix+e.at.ID+filepath.Ext(e.Stable))
}

// replace has the stable path lead to what lies beside it. Windows lets nobody
// replace a program that somebody runs, but rename it: so there are two renames, and
// an instant between them. A machine that stops in it puts the new version in place when it
// starts, before it starts services (MOVEFILE_DELAY_UNTIL_REBOOT; without
// MOVEFILE_REPLACE_EXISTING nothing happens where something is there, KB 202071).
func (e *Engine) replace(beside string) error {
	if os.Rename(beside, e.Stable) == nil { // nobody runs it
		return nil
	}
	err := e.inOrder(
		do{"have a restart of the machine finish it", func() error { return atBoot(beside, e.Stable) }},
		do{"rename the program aside", func() error { return files.Rename(e.Stable, e.aside()) }},
		do{"rename the version in its place", func() error { return files.Rename(beside, e.Stable) }},
	)
	if isCut(err) {
		return err
	}
	if err != nil {
		err = errors.Join(err, e.mend())
	}
	if forget := notAtBoot(beside); forget != nil && err == nil {
		e.note("the machine still means to rename " + beside + " when it starts, which does nothing: " + forget.Error())
	}
	return err
}

// mend puts the confirmed version back if the stable path leads to nothing, and has the
// machine do nothing of it any more.
func (e *Engine) mend() error {
	_, err := os.Lstat(e.Stable)
	if errors.Is(err, fs.ErrNotExist) {
		for _, path := range []string{e.aside(), beside(e.Stable)} {
			if err = files.Rename(path, e.Stable); !errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // who looks for the program will say that it is gone
			return nil
		}
	}
	if err == nil {
		_ = notAtBoot(beside(e.Stable)) // nothing would happen
	}
	return err
}

// What the session manager is to rename when the machine starts: pairs, of which the
// second is empty where the first is to be removed.
const (
	sessionManager = `SYSTEM\CurrentControlSet\Control\Session Manager`
	pendingRenames = "PendingFileRenameOperations"
)

// atBoot has the machine rename a file when it starts, and is durable when it returns.
func atBoot(from, to string) error {
	f, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(f, t, windows.MOVEFILE_DELAY_UNTIL_REBOOT); err != nil {
		return fmt.Errorf("have %s renamed at the next boot: %w", from, err)
	}
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, sessionManager, registry.QUERY_VALUE)
	if err != nil {
		return fmt.Errorf("what is renamed at the next boot: %w", err)
	}
	defer k.Close()
	if code, _, _ := windows.NewLazySystemDLL("advapi32.dll").NewProc("RegFlushKey").Call(uintptr(k)); code != 0 {
		return fmt.Errorf("what is renamed at the next boot: flush: %w", windows.Errno(code))
	}
	return nil
}

// notAtBoot takes that back. Nothing would happen; but programs take a machine with
// such entries for one that waits for a restart.
func notAtBoot(from string) error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, sessionManager, registry.QUERY_VALUE|registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("what is renamed at the next boot: %w", err)
	}
	defer k.Close()
	pairs, _, err := k.GetStringsValue(pendingRenames)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("what is renamed at the next boot: %w", err)
	}
	left, found := without(pairs, `\??\`+from)
	switch {
	case !found:
		return nil
	case len(left) == 0:
		err = k.DeleteValue(pendingRenames)
	default:
		err = k.SetStringsValue(pendingRenames, left)
	}
	if err != nil {
		return fmt.Errorf("what is renamed at the next boot: %w", err)
	}
	return nil
}

// without is pairs without those that begin with from.
func without(pairs []string, from string) (left []string, found bool) {
	for pair := range slices.Chunk(pairs, 2) {
		if strings.EqualFold(pair[0], from) {
			found = true
			continue
		}
		left = append(left, pair...)
	}
	return left, found
}
