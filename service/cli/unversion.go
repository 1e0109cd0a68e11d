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

// unversion removes what upgrades have kept of the program of a service that is no more:
// other versions, their record, the copy of its configuration. While another service has
// the program in common with it they are its own as well, and stay.
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
		for _, path := range []string{lock.LockFile(), lock.MutexFile(), lock.Dir} { // whoever conducts one keeps uninstall away
			_ = os.Remove(path)
		}
	}
	_ = os.Remove(dir) // other services keep it
}
