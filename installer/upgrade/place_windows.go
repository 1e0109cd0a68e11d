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

// ours seals a directory that this process has made. It refuses any other directory that
// somebody but administrators can write to.
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

// asidePrefix begins the names of programs that were moved aside. sweep removes them.
const asidePrefix = ".old-"

// aside returns the path of the previous version after it has lost the stable path. It stays
// there as long as processes run it.
func (e *Engine) aside() string {
	return filepath.Join(VersionsDir(e.Stable), asidePrefix+e.at.ID+filepath.Ext(e.Stable))
}

// replace moves the file at beside to the stable path. Windows can rename a running program,
// but not replace it. So there are two renames, and nothing is at the stable path between
// them. If the machine loses power then, it renames the new version when it boots, before it
// starts services (MOVEFILE_DELAY_UNTIL_REBOOT). Without MOVEFILE_REPLACE_EXISTING this rename
// does nothing if the path exists: KB 202071.
func (e *Engine) replace(beside string) error {
	if os.Rename(beside, e.Stable) == nil { // no process runs it
		return nil
	}
	err := e.inOrder(
		do{"finish it at the next boot", func() error { return atBoot(beside, e.Stable) }},
		do{"rename the program aside", func() error { return files.Rename(e.Stable, e.aside()) }},
		do{"rename the version to its path", func() error { return files.Rename(beside, e.Stable) }},
	)
	if isCut(err) {
		return err
	}
	if err != nil {
		err = errors.Join(err, e.mend())
	}
	if forget := notAtBoot(beside); forget != nil && err == nil {
		e.note("the machine will still rename " + beside + " when it starts, which does nothing: " + forget.Error())
	}
	return err
}

// mend restores a version at the stable path if nothing is there, and cancels the rename at
// boot.
func (e *Engine) mend() error {
	_, err := os.Lstat(e.Stable)
	if errors.Is(err, fs.ErrNotExist) {
		for _, path := range []string{e.aside(), beside(e.Stable)} {
			if err = files.Rename(path, e.Stable); !errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // the next check of the program reports that it is gone
			return nil
		}
	}
	if err == nil {
		_ = notAtBoot(beside(e.Stable)) // the entry would have no effect
	}
	return err
}

// The registry value that lists the renames of the session manager at boot. It consists of
// pairs. The second string of a pair is empty if the first file is to be removed.
const (
	sessionManager = `SYSTEM\CurrentControlSet\Control\Session Manager`
	pendingRenames = "PendingFileRenameOperations"
)

// atBoot requests the rename of a file at the next boot. When it returns, the request is
// durable.
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

// notAtBoot cancels the rename. The rename would do nothing, but other programs conclude from
// such entries that the machine needs a restart.
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

// without returns pairs without those that begin with from.
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
