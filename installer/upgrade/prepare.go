package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// errUnchanged means that there is nothing to do.
var errUnchanged = errors.New("unchanged")

// prepare does everything that can be done before the service is touched. wanted reports
// whether the service is meant to run, so that a trial is possible.
func (e *Engine) prepare(ctx context.Context) (candidate string, wanted bool, err error) {
	if err := e.step("verify"); err != nil {
		return "", false, err
	}
	if err := e.confirmedVersion(ctx); err != nil {
		return "", false, err
	}
	source := e.Source
	if source == "" {
		if len(e.ledger.Kept) == 0 {
			return "", false, errors.New("there is no previous version: the program was never upgraded, or all versions were removed")
		}
		before := e.ledger.Kept[0]
		source, e.SHA256 = before.Path, before.SHA256
	}
	if err := e.step("copy"); err != nil {
		return "", false, err
	}
	staged, digest, err := e.stage(source)
	if err != nil {
		return "", false, err
	}
	candidate, err = e.verify(ctx, staged, digest)
	if isCut(err) {
		return "", false, err
	}
	if err != nil {
		return "", false, errors.Join(err, os.RemoveAll(filepath.Dir(staged)))
	}
	if err := e.backup(); err != nil {
		if !isCut(err) {
			e.discard()
		}
		return "", false, err
	}
	l, err := e.steady(ctx)
	wanted = l.Running || l.Failed
	if err == nil && wanted {
		err = e.wayBack(ctx)
	}
	if err != nil {
		if !isCut(err) {
			e.discard()
		}
		return "", false, err
	}
	return candidate, wanted, nil
}

// wayBack refuses a trial that could not be rolled back, unless the user insists. It never
// refuses a rollback to the previous version.
func (e *Engine) wayBack(ctx context.Context) error {
	if e.Back == nil || e.Source == "" {
		return nil
	}
	err := e.Back(ctx)
	switch {
	case err == nil:
		return nil
	case e.Force:
		e.note("a rollback was impossible: the installed version rejects the current configuration: " + err.Error())
		return nil
	}
	return fmt.Errorf("a rollback would be impossible: the installed version rejects the current configuration: %w: use --force to continue anyway", err)
}

// stopSettles is how long a service must be down for its stop not to count as part of a
// restart. Between the stop and the start of a restart, launchd may refuse the service for 5 s
// (see platform/internal/launchd), and a busy machine takes longer.
const stopSettles = 10 * time.Second

// steady returns the state of the service. If somebody is stopping or restarting the service,
// steady waits until that is over, because we must not start a service that somebody has
// stopped.
func (e *Engine) steady(ctx context.Context) (Status, error) {
	l := e.status(ctx)
	if !l.Stopping {
		return l, nil
	}
	if err := e.step("wait for the stop in progress"); err != nil {
		return l, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.Restore, platform.ErrTimeout)
	defer cancel()
	var since time.Time // since when nothing runs
	for {
		switch l = e.status(ctx); {
		case l.Stopping:
			since = time.Time{}
		case l.Ready, l.Failed && l.Running: // it serves, or it fails again and again and has ended by itself
			return l, nil
		case l.Running: // do not interfere with its restart
		case since.IsZero():
			since = e.Now()
		case e.Now().Sub(since) >= stopSettles:
			return Status{}, nil // even if it did not stop in order
		}
		if err := e.Sleep(ctx, statusEvery); err != nil && l.Stopping {
			return l, fmt.Errorf("the service is being stopped: %w", err)
		} else if err != nil {
			return l, nil //nolint:nilerr // it does not become ready, and an upgrade may repair that
		}
	}
}

// confirmedVersion determines the version at the stable path.
func (e *Engine) confirmedVersion(ctx context.Context) error {
	info, err := os.Lstat(e.Stable)
	switch {
	case err != nil:
		return fmt.Errorf("the installed program: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, which other software may use to switch versions: use that software, or install the program itself (--copy-to)", e.Stable)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: %w", e.Stable, files.ErrUntrusted)
	}
	digest, err := Digest(e.Stable)
	if err != nil {
		return fmt.Errorf("the installed program: %w", err)
	}
	e.at.From = Version{SHA256: digest, Since: info.ModTime()}
	if e.ledger.Confirmed.SHA256 == digest {
		e.at.From = e.ledger.Confirmed
	} else if e.at.From.Version, err = e.version(ctx, e.Stable); err != nil {
		e.note("the installed program does not report its version: " + err.Error())
	}
	e.at.From.Path = ""
	return nil
}

// version returns the version that a program reports, cut off to a length that fits the trial
// record and the candidate's environment.
func (e *Engine) version(ctx context.Context, program string) (string, error) {
	version, err := e.Version(ctx, program)
	return cut(version, maxVersion), err
}

func (e *Engine) note(text string) { e.at.Notes = append(e.at.Notes, text) }

// verify refuses a program that cannot become the confirmed version. It moves a good one from
// the staging directory to its place among the versions.
func (e *Engine) verify(ctx context.Context, staged, digest string) (string, error) {
	e.at.To = Version{SHA256: digest}
	if want := strings.ToLower(strings.TrimSpace(e.SHA256)); want != "" && want != digest {
		return "", fmt.Errorf("its SHA-256 is %s, and not %s: nothing was changed", digest, want)
	}
	if e.Key != "" && e.Source != "" { // a kept version has been verified before
		if err := checkSignature(staged, e.Source, e.Key); err != nil {
			return "", err
		}
	}
	if digest == e.at.From.SHA256 {
		e.at.To = e.at.From
		return "", errUnchanged
	}
	if f := e.ledger.failed(digest); f != nil && !e.Force {
		e.at.To = f.Version
		return "", fmt.Errorf("%s failed on %s: %s: use --force to try it again", f.Version, f.At.Local().Format(time.DateTime), f.Reason)
	}
	if err := e.pinnedElsewhere(ctx, digest); err != nil {
		return "", err
	}
	if err := checkKind(staged, e.Stable); err != nil {
		return "", err
	}
	version, err := e.version(ctx, staged)
	if err != nil {
		return "", fmt.Errorf("it does not report its version: %w", err)
	}
	e.at.To.Version = version
	if err := e.Check(ctx, staged); err != nil {
		return "", fmt.Errorf("it rejects the current configuration: %w", err)
	}
	if err := e.step("place"); err != nil {
		return "", err
	}
	path, err := e.settleDown(staged, e.at.To)
	e.at.To.Path = path
	return path, err
}

// pinnedElsewhere refuses a version that another machine has rolled back, unless the user
// insists. It never refuses a rollback to the previous version.
func (e *Engine) pinnedElsewhere(ctx context.Context, digest string) error {
	if e.Pinned == nil || e.Source == "" || e.Force {
		return nil
	}
	why, err := e.Pinned(ctx, digest)
	if err != nil {
		e.note("whether another machine has rolled this version back is not known: " + err.Error())
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("no machine of the cluster takes this version: %s: use --force to try it again", why)
}

// backup copies the configuration. Nobody else can read the copy, because it may contain
// secrets.
func (e *Engine) backup() error {
	if e.Config == "" {
		return nil
	}
	if err := e.step("copy the configuration"); err != nil {
		return err
	}
	content, err := files.ReadFile(e.Config)
	if err == nil {
		e.at.ConfigBackup = strings.TrimSuffix(e.Ledger, filepath.Ext(e.Ledger)) + ".config"
		err = files.Replace(e.at.ConfigBackup, content, 0o600, true)
	}
	if err != nil {
		return fmt.Errorf("copy of the configuration: %w", err)
	}
	return nil
}
