package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A Migration is a change of the program's version, which its data may have to follow.
type Migration struct {
	// From is the version of the data, or the version whose Migrate began last. It is empty if
	// it is not known, as in the very first run.
	From string
	To   string // the running one, Config.Version
	// Trial means that this version is on trial (see `upgrade`), and that From may run again
	// at any time.
	Trial bool
	// Unfinished means that an earlier Migrate, of this version or of From, has begun but has
	// not returned nil.
	Unfinished bool
}

// A Migrator is a Program whose data depends on its version, which Config.Version names.
type Migrator interface {
	// Migrate is called before Recover and Start in the first run of a version after another
	// one, be it newer or older. The version may have been changed by an upgrade, on trial or
	// confirmed, by a package, or by hand. After a rollback the previous version is called,
	// with the newer one as From, and may repair what it finds. Migrate is called again until
	// it has returned nil once, so it must be idempotent. It shares the context and time limit
	// of Start; an error fails the start.
	//
	// On trial, Migrate must keep the data readable by From. Changes that go further have to
	// wait until [Runtime.Confirmed] returns nil, which it also does in every later start.
	// There is no Migrate at the confirmation.
	Migrate(ctx context.Context, m Migration) error
}

// A migrated is the record of the last migration.
type migrated struct {
	Version string `json:"version,omitempty"` // version of the data before Begun
	Begun   string `json:"begun,omitempty"`   // version whose Migrate has begun and not yet returned nil
}

// migrationFile returns the path of the record of the last migration: see [Migrator].
func (d Dirs) migrationFile(id string) string { return filepath.Join(d.State, id+".migrated.json") }

// due returns the migration to version to, and whether there is one. ran is the version of the
// last run. That program may not have been a Migrator, and then left no record.
func (d migrated) due(to, ran string) (m Migration, due bool) {
	m = Migration{To: to, From: d.Version, Unfinished: d.Begun != ""}
	switch {
	case to == "":
		return m, false
	case d.Begun != "" && d.Begun != to: // interrupted, and given up for this version
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

// readMigrated reads the record. If there is none, or it is malformed, the result is that of a
// first run.
func (l *life) readMigrated(path string) (d migrated, err error) {
	content, _, err := files.Read(path, files.MaxRecord)
	if err == nil {
		err = files.DecodeJSON(content, &d)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return migrated{}, nil
	case errors.Is(err, files.ErrMalformed), errors.Is(err, files.ErrUntrusted):
		l.log.Warn("the version of the data is no longer known", "error", err)
		return migrated{}, nil
	case err != nil:
		return migrated{}, fmt.Errorf("record of the migration: %w", err)
	}
	return d, nil
}

// migrate calls Migrate if the version has changed.
func (l *life) migrate(ctx context.Context) error {
	p, ok := l.prog.(Migrator)
	if !ok {
		return nil
	}
	path := l.dirs.migrationFile(l.id)
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
