package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Migration is a change of the program's version, which its data may have to follow.
type Migration struct {
	// From is the version that the data is of, or whose Migrate began last. Empty: none
	// that is known, which is so in the first run ever.
	From string
	To   string // the running one, Config.Version
	// Trial: this version is on trial (see `upgrade`), and From may run again at any time.
	Trial bool
	// Unfinished: a Migrate that began before, this version's or From's, has not returned nil.
	Unfinished bool
}

// Migrator is a Program whose data depends on its version, which Config.Version names.
type Migrator interface {
	// Migrate is called before Recover and Start, in the first run of a version after
	// another one, whichever is newer: by an upgrade on trial, by one that is confirmed, by
	// a package, by hand. Where an upgrade is rolled back it is the version before that is
	// told, with the newer one as From: its Migrate may repair what it finds. Migrate is
	// called again until it has returned nil once, so it has to be idempotent. It shares
	// Start's context and time limit; its error fails the start.
	//
	// On trial it keeps the data readable by From. What has to go further than that is done
	// when [Runtime.Confirmed] returns nil, which it does in every later start as well: a
	// Migrate for the confirmation there is not.
	Migrate(ctx context.Context, m Migration) error
}

// migrated is the record of the last migration.
type migrated struct {
	Version string `json:"version,omitempty"` // that the data is of, or was
	Begun   string `json:"begun,omitempty"`   // whose Migrate began, and has not returned nil yet
}

// MigrationFile is the path of the record of the version that a [Migrator]'s data is of.
func (d Dirs) MigrationFile(id string) string { return filepath.Join(d.State, id+".migrated.json") }

// due is the migration to version to; false if there is none. ran is the version of the run
// before, which may have been no Migrator and left no word of itself.
func (d migrated) due(to, ran string) (m Migration, due bool) {
	m = Migration{To: to, From: d.Version, Unfinished: d.Begun != ""}
	switch {
	case to == "":
		return m, false
	case d.Begun != "" && d.Begun != to: // and was given up for this one
		m.From = d.Begun
	case ran != "" && ran != to:
		m.From = ran
	case d.Version == to:
		return m, false
	}
	return m, true
}

func (d migrated) write(path string) error {
	if err := files.ReplaceJSON(path, d, 0o644, true); err != nil {
		return fmt.Errorf("record of the migration: %w", err)
	}
	return nil
}

// readMigrated reads the record; that of a first run where there is none, or nothing
// that makes sense.
func (l *life) readMigrated(path string) (d migrated, err error) {
	content, _, err := files.Read(path, files.MaxRecord)
	if err == nil {
		err = files.DecodeJSON(content, &d)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return migrated{}, nil
	case errors.Is(err, files.ErrMalformed), errors.Is(err, files.ErrUntrusted):
		l.log.Warn("which version the data is of is not known any more", "error", err)
		return migrated{}, nil
	case err != nil:
		return migrated{}, fmt.Errorf("record of the migration: %w", err)
	}
	return d, nil
}

// migrate has the program's data follow its version.
func (l *life) migrate(ctx context.Context) error {
	p, ok := l.prog.(Migrator)
	if !ok {
		return nil
	}
	path := l.dirs.MigrationFile(l.id)
	before, err := l.readMigrated(path)
	if err != nil {
		return err
	}
	m, due := before.due(l.cfg.Version, l.last.Version)
	if !due {
		return nil
	}
	m.Trial = l.trial != nil
	l.log.Info("migrating", "from", m.From, "to", m.To, "trial", m.Trial, "unfinished", m.Unfinished)
	if err := (migrated{Version: m.From, Begun: m.To}).write(path); err != nil {
		return err
	}
	if err := protect("Migrate", func() error { return p.Migrate(ctx, m) }); err != nil {
		return fmt.Errorf("migrate from %q to %q: %w", m.From, m.To, err)
	}
	return migrated{Version: m.To}.write(path)
}
