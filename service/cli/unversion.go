package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// unversion removes what upgrades have stored for the program of a removed service: other
// versions, their record, and the copy of its configuration. They stay while another service
// uses the same program, because they belong to that one as well.
func (t *target) unversion(notes io.Writer) {
	record, err := t.ledger()
	if err != nil || t.manifest.Program == "" || len(t.sharing(t.id.Scope)) > 0 {
		return
	}
	if _, err := os.Lstat(record); err != nil {
		return // there was no upgrade
	}
	dir := filepath.Dir(record)
	for _, path := range []string{record, strings.TrimSuffix(record, ".json") + ".config"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(notes, "- %s stays: %v\n", path, err)
		}
	}
	versions := upgrade.VersionsDir(t.manifest.Program)
	if err := t.System.RemoveAll(versions); err != nil {
		fmt.Fprintf(notes, "- %s stays: %v\n", versions, err)
	} else {
		fmt.Fprintf(notes, "- the other versions of the program in %s\n", versions)
	}
	if lock, err := t.upgradeLock(); err == nil {
		for _, path := range []string{lock.LockFile(), lock.MutexFile(), lock.Dir} { // no upgrade is running, because its conductor would keep uninstall away
			_ = os.Remove(path)
		}
	}
	_ = os.Remove(dir) // it fails while other services use the directory
}
