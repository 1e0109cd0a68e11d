package scm

import (
	"slices"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// preshutdownInfo is SERVICE_PRESHUTDOWN_INFO.
type preshutdownInfo struct{ Timeout uint32 }

// Create registers a service.
func (l Local) Create(r Registration) error {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_CREATE_SERVICE)
	if err != nil {
		return failed("OpenSCManager", err)
	}
	defer windows.CloseServiceHandle(manager) //nolint:errcheck // a handle
	t, err := texts(r)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(r.Name)
	if err != nil {
		return failed("CreateService", err)
	}
	// Failure actions that restart the service require SERVICE_START.
	h, err := windows.CreateService(manager, name, t.display, windows.SERVICE_CHANGE_CONFIG|windows.SERVICE_START,
		windows.SERVICE_WIN32_OWN_PROCESS, startType(r), windows.SERVICE_ERROR_NORMAL, t.binary, nil, nil, t.dependencies, t.account, t.password)
	if err != nil {
		return failed("CreateService", err)
	}
	defer windows.CloseServiceHandle(h) //nolint:errcheck // a handle
	return l.changeRest(h, r)
}

// Change changes the registration of a service to r.
func (l Local) Change(r Registration) error {
	s, err := open(r.Name, windows.SERVICE_CHANGE_CONFIG|windows.SERVICE_START)
	if err != nil {
		return err
	}
	defer s.close()
	t, err := texts(r)
	if err != nil {
		return err
	}
	err = windows.ChangeServiceConfig(s.Handle, windows.SERVICE_WIN32_OWN_PROCESS, startType(r), windows.SERVICE_ERROR_NORMAL,
		t.binary, nil, nil, t.dependencies, t.account, t.password, t.display)
	if err != nil {
		return failed("ChangeServiceConfig", err)
	}
	return l.changeRest(s.Handle, r)
}

// pointers are the texts of a registration in the form that Windows accepts.
type pointers struct{ display, binary, account, password, dependencies *uint16 }

func texts(r Registration) (t pointers, err error) {
	for _, text := range []struct {
		to    **uint16
		value string
	}{{&t.display, r.DisplayName}, {&t.binary, r.BinaryPath}, {&t.account, r.Account}} {
		if *text.to, err = windows.UTF16PtrFromString(text.value); err != nil {
			return t, failed("CreateService", err)
		}
	}
	// The password has to be empty for built-in accounts, and absent for virtual and managed
	// ones (ChangeServiceConfig, lpPassword).
	switch {
	case needsPassword(r.Account):
		t.password, err = password(r)
		if err == nil {
			err = mayLogOn(r.Account)
		}
		if err != nil {
			return t, err
		}
	case !hasNoPasswordAtAll(r.Account):
		t.password = new(uint16)
	}
	t.dependencies = multi(r.Dependencies)
	return t, nil
}

// multi returns a list of texts, each followed by a NUL, and a final NUL. It is never nil,
// which would leave the old list unchanged.
func multi(list []string) *uint16 {
	var units []uint16
	for _, s := range list {
		units = append(append(units, utf16.Encode([]rune(s))...), 0)
	}
	return &append(units, 0, 0)[0]
}

func startType(r Registration) uint32 {
	switch {
	case r.Disabled:
		return windows.SERVICE_DISABLED
	case r.Enabled:
		return windows.SERVICE_AUTO_START
	}
	return windows.SERVICE_DEMAND_START
}

// changeRest sets what CreateService has no parameters for.
func (l Local) changeRest(h windows.Handle, r Registration) error {
	description, err := windows.UTF16PtrFromString(r.Description)
	if err != nil {
		return failed("ChangeServiceConfig2", err)
	}
	sid := uint32(windows.SERVICE_SID_TYPE_NONE)
	if r.OwnSID {
		sid = windows.SERVICE_SID_TYPE_UNRESTRICTED
	}
	delayed := windows.SERVICE_DELAYED_AUTO_START_INFO{}
	if r.Delayed && r.Enabled {
		delayed.IsDelayedAutoStartUp = 1
	}
	recovery := Recovery{}
	if r.Recovery != nil {
		recovery = *r.Recovery
	}
	// A count of 0 with a valid pointer deletes the existing actions.
	actions := make([]windows.SC_ACTION, len(recovery.Actions), len(recovery.Actions)+1)
	for i, a := range recovery.Actions {
		actions[i].Delay = a.Delay
		switch {
		case a.Restart:
			actions[i].Type = windows.SC_ACTION_RESTART
		case a.Reboot:
			actions[i].Type = windows.SC_ACTION_REBOOT
			if err := mayShutDown(); err != nil { // required to set a reboot: see SERVICE_FAILURE_ACTIONS
				return err
			}
		}
	}
	codes := windows.SERVICE_FAILURE_ACTIONS_FLAG{}
	if recovery.Codes {
		codes.FailureActionsOnNonCrashFailures = 1
	}
	for _, level := range []struct {
		call string
		n    uint32
		info unsafe.Pointer
	}{
		{"description", windows.SERVICE_CONFIG_DESCRIPTION, unsafe.Pointer(&windows.SERVICE_DESCRIPTION{Description: description})},
		{"delayed start", windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, unsafe.Pointer(&delayed)},
		{"recovery actions", windows.SERVICE_CONFIG_FAILURE_ACTIONS, unsafe.Pointer(&windows.SERVICE_FAILURE_ACTIONS{
			ResetPeriod: recovery.Reset, RebootMsg: new(uint16), Command: new(uint16),
			ActionsCount: uint32(len(actions)), Actions: unsafe.SliceData(actions[:cap(actions)]),
		})},
		{"recovery flag", windows.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, unsafe.Pointer(&codes)},
		{"own SID", windows.SERVICE_CONFIG_SERVICE_SID_INFO, unsafe.Pointer(&sid)},
		{"preshutdown timeout", windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, unsafe.Pointer(&preshutdownInfo{r.Preshutdown})},
	} {
		err := failed("ChangeServiceConfig2 "+level.call, windows.ChangeServiceConfig2(h, level.n, (*byte)(level.info)))
		if err != nil && code(err) != errInvalidLevel { // Wine lacks some levels, and their features; Windows has all of them since Vista
			return err
		}
	}
	return l.putTexts(r)
}

// Config returns the registration of a service.
func (l Local) Config(name string) (Registration, error) {
	s, err := open(name, windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return Registration{}, err
	}
	defer s.close()
	buf, err := grow(func(b []byte, needed *uint32) error {
		return windows.QueryServiceConfig(s.Handle, (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&b[0])), uint32(len(b)), needed)
	})
	if err != nil {
		return Registration{}, failed("QueryServiceConfig", err)
	}
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0]))
	r := Registration{
		Name: name, DisplayName: windows.UTF16PtrToString(c.DisplayName), BinaryPath: windows.UTF16PtrToString(c.BinaryPathName),
		Account: windows.UTF16PtrToString(c.ServiceStartName), Enabled: c.StartType == windows.SERVICE_AUTO_START,
		Disabled: c.StartType == windows.SERVICE_DISABLED, Dependencies: split(c.Dependencies),
	}
	r.beyond(c.ServiceType != windows.SERVICE_WIN32_OWN_PROCESS, "a type other than own process")
	r.beyond(c.ErrorControl != windows.SERVICE_ERROR_NORMAL, "an error control other than normal")
	r.beyond(windows.UTF16PtrToString(c.LoadOrderGroup) != "", "a load order group")
	if err := readRest(s.Handle, &r); err != nil {
		return r, err
	}
	return r, l.getTexts(&r)
}

func readRest(h windows.Handle, r *Registration) error {
	for _, level := range []struct {
		n    uint32
		read func(p unsafe.Pointer)
	}{
		{windows.SERVICE_CONFIG_DESCRIPTION, func(p unsafe.Pointer) {
			r.Description = windows.UTF16PtrToString((*windows.SERVICE_DESCRIPTION)(p).Description)
		}},
		{windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, func(p unsafe.Pointer) {
			r.Delayed = (*windows.SERVICE_DELAYED_AUTO_START_INFO)(p).IsDelayedAutoStartUp != 0
		}},
		{windows.SERVICE_CONFIG_SERVICE_SID_INFO, func(p unsafe.Pointer) {
			r.OwnSID = *(*uint32)(p) != windows.SERVICE_SID_TYPE_NONE
			r.beyond(r.OwnSID && *(*uint32)(p) != windows.SERVICE_SID_TYPE_UNRESTRICTED, "a restricted SID")
		}},
		{windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, func(p unsafe.Pointer) {
			r.Preshutdown = (*preshutdownInfo)(p).Timeout
		}},
		{windows.SERVICE_CONFIG_FAILURE_ACTIONS, func(p unsafe.Pointer) {
			f := (*windows.SERVICE_FAILURE_ACTIONS)(p)
			r.Recovery = recoveryOf(f)
			r.beyond(!knownActions(f), "recovery actions other than a restart and a reboot")
		}},
		{windows.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, func(p unsafe.Pointer) {
			if r.Recovery != nil {
				r.Recovery.Codes = (*windows.SERVICE_FAILURE_ACTIONS_FLAG)(p).FailureActionsOnNonCrashFailures != 0
			}
		}},
		{windows.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, func(p unsafe.Pointer) {
			r.beyond(len(split(*(**uint16)(p))) > 0, "a list of privileges")
		}},
		{windows.SERVICE_CONFIG_TRIGGER_INFO, func(p unsafe.Pointer) { // begins with the number of triggers
			r.beyond(*(*uint32)(p) > 0, "triggers")
		}},
	} {
		buf, err := grow(func(b []byte, needed *uint32) error {
			return windows.QueryServiceConfig2(h, level.n, &b[0], uint32(len(b)), needed)
		})
		if err != nil && code(failed("", err)) == errInvalidLevel {
			continue // Wine does not return some of these
		}
		if err != nil {
			return failed("QueryServiceConfig2", err)
		}
		level.read(unsafe.Pointer(&buf[0]))
	}
	return nil
}

func recoveryOf(f *windows.SERVICE_FAILURE_ACTIONS) *Recovery {
	rec := &Recovery{Reset: f.ResetPeriod}
	if f.Actions == nil {
		return rec
	}
	for _, a := range unsafe.Slice(f.Actions, f.ActionsCount) {
		rec.Actions = append(rec.Actions, RecoveryAction{Restart: a.Type == windows.SC_ACTION_RESTART, Reboot: a.Type == windows.SC_ACTION_REBOOT, Delay: a.Delay})
	}
	return rec
}

// knownActions reports whether recoveryOf represents f completely.
func knownActions(f *windows.SERVICE_FAILURE_ACTIONS) bool {
	var actions []windows.SC_ACTION
	if f.Actions != nil {
		actions = unsafe.Slice(f.Actions, f.ActionsCount)
	}
	return windows.UTF16PtrToString(f.Command) == "" && windows.UTF16PtrToString(f.RebootMsg) == "" &&
		!slices.ContainsFunc(actions, func(a windows.SC_ACTION) bool {
			return a.Type != windows.SC_ACTION_RESTART && a.Type != windows.SC_ACTION_REBOOT && a.Type != windows.SC_ACTION_NONE
		})
}

// beyond records what a Registration cannot represent, if it is there.
func (r *Registration) beyond(there bool, what string) {
	if there {
		r.Beyond = append(r.Beyond, what)
	}
}

// grow calls fill with increasing buffers until one is large enough.
func grow(fill func(b []byte, needed *uint32) error) ([]byte, error) {
	needed := uint32(1 << 10)
	for {
		// Made of words, so that it is aligned for a structure.
		b := unsafe.Slice((*byte)(unsafe.Pointer(&make([]uint64, needed/8+1)[0])), needed)
		err := fill(b, &needed)
		if err == nil || code(failed("", err)) != uint32(windows.ERROR_INSUFFICIENT_BUFFER) || needed <= uint32(len(b)) {
			return b, err
		}
	}
}

// split returns the list in the form of [multi].
func split(p *uint16) (list []string) {
	for p != nil && *p != 0 {
		s := windows.UTF16PtrToString(p)
		list = append(list, s)
		p = (*uint16)(unsafe.Add(unsafe.Pointer(p), 2*(utf16Len(s)+1)))
	}
	return slices.Clip(list)
}
