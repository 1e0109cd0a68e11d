package scm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// definition returns the registration of id and its definition, or nil if there is none. A
// registration that we may not read counts as ours; Windows will refuse the operation itself,
// too.
func (m *Manager) definition(id platform.ID) (Registration, *platform.Definition, error) {
	if err := checkID(id); err != nil {
		return Registration{}, nil, err
	}
	name := id.String()
	r, err := m.machine.Config(name)
	d := &platform.Definition{Path: fmt.Sprintf("the service %q, %s", name, r.BinaryPath), Command: r.BinaryPath, Ours: true, Own: own(name)}
	switch {
	case err == nil:
		d.Ours = r.Parameters[paramMade] == made
	case code(err) == errAccessDenied:
		d.Path = fmt.Sprintf("the service %q", name)
	case errors.Is(explain(err, name), platform.ErrNotInstalled), errors.Is(err, errors.ErrUnsupported):
		return r, nil, nil
	default:
		return r, nil, explain(err, name)
	}
	return r, d, nil
}

// own returns the command lines of sc.exe.
func own(name string) map[string]string {
	commands := map[string]string{
		"restart": fmt.Sprintf("Restart-Service %q", name), "reload": fmt.Sprintf("sc control %q paramchange", name),
		"uninstall": fmt.Sprintf("sc stop %q, then sc delete %[1]q", name), "status": fmt.Sprintf("sc query %q", name),
	}
	for _, verb := range []string{"start", "stop"} {
		commands[verb] = fmt.Sprintf("sc %s %q", verb, name)
	}
	return commands
}

// refuse decides whether a verb may act on the service.
func (m *Manager) refuse(verb string, id platform.ID) error {
	_, d, err := m.definition(id)
	if err != nil {
		return err
	}
	return d.Refuse(verb)
}

// replace stores the registration that r replaces, if holdfast did not make it, in the
// Parameters of r, because the SCM has no files. The steps stop the service that runs under
// the old registration.
func (m *Manager) replace(u platform.Unit, r *Registration) ([]platform.Step, error) {
	before, d, err := m.definition(u.ID)
	if err == nil {
		err = d.Replace(u.Adopt || u.Claim)
	}
	switch {
	case err != nil || d == nil:
		return nil, err
	case d.Ours && before.Name == "": // its owner is unknown, and it could not be restored
		return nil, fmt.Errorf("%v cannot be read: %w: run the command as an administrator", d, platform.ErrPermission)
	case d.Ours || u.Claim:
		if kept, ok := before.Parameters[paramBefore]; ok {
			r.Parameters[paramBefore] = kept
		}
		return nil, nil
	case !passwordless(before.Account):
		return nil, fmt.Errorf("%v logs on as %s, whose password could not be restored: export the service and delete it: %w", d, before.Account, platform.ErrPermission)
	case len(before.Beyond) > 0:
		return nil, fmt.Errorf("%v has settings that could not be restored (%s): export the service and delete it: %w", d, strings.Join(before.Beyond, ", "), platform.ErrPermission)
	}
	// Other parameters stay in the registry.
	maps.DeleteFunc(before.Parameters, func(name, _ string) bool { return !slices.Contains(ownParameters(), name) })
	if len(before.Parameters) == 0 {
		before.Parameters = nil
	}
	content, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	r.Parameters[paramBefore] = string(content)
	s, err := m.query(u.ID)
	if err != nil {
		return nil, err
	}
	stop := platform.Step{
		Kind: StepStopService, Describe: "stop the process of the previous registration", Payload: Registration{Name: r.Name},
		Stops: s.State != Stopped && s.State != StopPending,
	}
	return []platform.Step{stop}, nil
}

// passwordless reports whether a service can use that account without a password.
func passwordless(account string) bool {
	lower := strings.ToLower(account)
	return slices.Contains([]string{"", "localsystem", `nt authority\system`, `nt authority\localservice`, `nt authority\networkservice`}, lower) ||
		hasNoPasswordAtAll(account)
}

// removal returns the step that deletes a registration of ours, or restores the one that it
// replaced.
func removal(r Registration) (platform.Step, error) {
	kept, ok := r.Parameters[paramBefore]
	if !ok {
		return platform.Step{Kind: StepRemoveService, Describe: "the service", Payload: Registration{Name: r.Name}}, nil
	}
	var before Registration
	if err := json.Unmarshal([]byte(kept), &before); err != nil {
		return platform.Step{}, fmt.Errorf("the previous registration: %w", err)
	}
	before.Name = r.Name
	return platform.Step{Kind: StepService, Describe: "put back the previous service", Payload: before}, nil
}
