package launchd

import (
	"context"
	"errors"
	"fmt"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// whose returns the definition that launchd has for the service: its property list, or the
// file elsewhere from which it was loaded. It returns nil if there is none. p is the loaded
// service.
func (m *Manager) whose(ctx context.Context, id platform.ID, p printed, domain string) (*platform.Definition, error) {
	_, file, ours, err := m.definition(id)
	missing := errors.Is(err, platform.ErrNotInstalled)
	switch {
	case err != nil && !missing:
		return nil, err
	case missing && p == nil:
		return nil, nil //nolint:nilnil // there is none, which is not an error
	}
	t := target(domain, id)
	d := &platform.Definition{Path: file, Ours: ours, Own: map[string]string{
		"start": "launchctl kickstart " + t, "stop": "launchctl bootout " + t, "restart": "launchctl kickstart -k " + t,
		"status": "launchctl print " + t, "uninstall": "launchctl bootout " + t + ", and remove it",
	}}
	if to := room.Link(ctx, m.sys, file); to != "" {
		d.State, d.Source = platform.DefinitionLinked, to
		d.Own["disable"] = "rm " + file
	}
	switch loaded := p["path"]; {
	case loaded != "" && loaded != file:
		d.Path, d.Ours = loaded, false
	case missing: // it was removed while the service was loaded, or launchd does not name it
		d.Ours = true
	}
	return d, nil
}

// refuse decides whether a verb may act on the service.
func (m *Manager) refuse(ctx context.Context, verb string, id platform.ID, p printed, domain string) error {
	d, err := m.whose(ctx, id, p, domain)
	if err != nil {
		return err
	}
	return d.Refuse(verb)
}

// replace returns the steps that come before a property list replaces one that holdfast did
// not make: they stop the service that was loaded from it, and back it up. before reports
// whether that property list, or the one that an earlier install replaced, was not disabled.
func (m *Manager) replace(ctx context.Context, u platform.Unit, p printed, domain string) (steps []platform.Step, before bool, err error) {
	d, err := m.whose(ctx, u.ID, p, domain)
	if err == nil {
		err = d.Replace(u.Adopt || u.Claim)
	}
	if err != nil || d == nil {
		return nil, false, err
	}
	j, file, _, _ := m.definition(u.ID)
	if d.Ours || u.Claim && d.Path == file {
		return nil, j.Holdfast != nil && j.Holdfast.EnabledBefore, nil
	}
	if d.Path != file {
		return nil, false, fmt.Errorf("launchd has loaded it from %s: launchctl bootout %s, and move that file away: %w: %w",
			d.Path, target(domain, u.ID), platform.ErrForeign, platform.ErrPermission)
	}
	if p != nil {
		steps = m.bootedOut(u.ID, domain, file, p, j, false)
		steps[0].Stops = p.pid() != 0
	}
	keep, err := room.Keep(m.sys, file)
	return append(steps, keep...), !m.disabled(ctx, domain, u.ID), err
}

// enabledBefore records in our property list that the one it replaces was not disabled.
func enabledBefore(content []byte) ([]byte, error) {
	var all map[string]any
	if _, err := plist.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	if n, ok := all["Holdfast"].(map[string]any); ok {
		n["EnabledBefore"] = true
	}
	content, err := plist.MarshalIndent(all, plist.XMLFormat, "\t")
	return append(content, '\n'), err
}
