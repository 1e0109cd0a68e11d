package launchd

import (
	"context"
	"errors"
	"fmt"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// whose is what launchd has the service by: its property list, or the one
// elsewhere that it was loaded from; nil if there is none. p is what is loaded.
func (m *Manager) whose(ctx context.Context, id platform.ID, p printed, domain string) (*platform.Definition, error) {
	_, file, ours, err := m.definition(id)
	missing := errors.Is(err, platform.ErrNotInstalled)
	switch {
	case err != nil && !missing:
		return nil, err
	case missing && p == nil:
		return nil, nil //nolint:nilnil // there is none, and that is no error
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
	case missing: // it was removed under a loaded service, or launchd does not say
		d.Ours = true
	}
	return d, nil
}

// refuse is the decision on a verb.
func (m *Manager) refuse(ctx context.Context, verb string, id platform.ID, p printed, domain string) error {
	d, err := m.whose(ctx, id, p, domain)
	if err != nil {
		return err
	}
	return d.Refuse(verb)
}

// replace are the steps that come before a property list is written in the place
// of somebody else's: what was loaded from that is stopped, and it is kept. before
// reports whether that one, or the one that was replaced at an earlier install, was
// not disabled.
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
		return nil, false, fmt.Errorf("launchd has loaded it from %s: launchctl bootout %s, and move that away: %w: %w",
			d.Path, target(domain, u.ID), platform.ErrForeign, platform.ErrPermission)
	}
	if p != nil {
		steps = m.bootedOut(u.ID, domain, file, p, j, false)
		steps[0].Stops = p.pid() != 0
	}
	keep, err := room.Keep(m.sys, file)
	return append(steps, keep...), !m.disabled(ctx, domain, u.ID), err
}

// enabledBefore has a property list of ours note that the one before it was not disabled.
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
