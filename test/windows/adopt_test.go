//go:build windows

package windows_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// registration is what the SCM itself knows about a service, except for what Wine does not
// have.
type registration struct {
	kind, start                                        uint32
	display, description, binary, account, dependences string // the last one: joined by commas
}

// theirs registers the service without holdfast, as an administrator with sc.exe would.
// (Package mgr sets more than Wine accepts.)
func (s *installed) theirs(t *testing.T, r registration, args ...string) {
	t.Helper()
	text := func(s string) *uint16 {
		p, err := windows.UTF16PtrFromString(s)
		must(t, err)
		return p
	}
	var dependences []uint16
	for name := range strings.SplitSeq(r.dependences, ",") {
		dependences = append(dependences, windows.StringToUTF16(name)...)
	}
	m, err := mgr.Connect()
	must(t, err)
	defer m.Disconnect() //nolint:errcheck // a handle
	line := windows.ComposeCommandLine(append([]string{s.exe}, args...))
	h, err := windows.CreateService(m.Handle, text(s.name), text(r.display), windows.SERVICE_ALL_ACCESS, r.kind, r.start,
		windows.SERVICE_ERROR_NORMAL, text(line), nil, nil, &append(dependences, 0)[0], nil, nil)
	must(t, err)
	service := &mgr.Service{Name: s.name, Handle: h}
	description := windows.SERVICE_DESCRIPTION{Description: text(r.description)}
	must(t, windows.ChangeServiceConfig2(h, windows.SERVICE_CONFIG_DESCRIPTION, (*byte)(unsafe.Pointer(&description))))
	must(t, service.Close())
	t.Cleanup(func() { // holdfast does not: it is not its own
		if !s.registered(t) {
			return
		}
		service := s.open(t)
		defer service.Close()
		if st := s.query(t); st.ProcessId != 0 {
			h := process(t, int(st.ProcessId))
			eventually(t, "its process is gone", func() bool {
				_, _ = service.Control(svc.Stop) // which is refused until it runs, and when it is about to end by itself
				return gone(t, h)
			})
		}
		must(t, service.Delete())
	})
}

func (s *installed) registration(t *testing.T) registration {
	t.Helper()
	service := s.open(t)
	defer service.Close()
	const size = 8 << 10 // the most that there can be
	read := func(query func(at *byte, n uint32, needed *uint32) error) unsafe.Pointer {
		buf := make([]uint64, size/8)
		var needed uint32
		must(t, query((*byte)(unsafe.Pointer(&buf[0])), size, &needed))
		return unsafe.Pointer(&buf[0])
	}
	c := (*windows.QUERY_SERVICE_CONFIG)(read(func(at *byte, n uint32, needed *uint32) error {
		return windows.QueryServiceConfig(service.Handle, (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(at)), n, needed)
	}))
	d := (*windows.SERVICE_DESCRIPTION)(read(func(at *byte, n uint32, needed *uint32) error {
		return windows.QueryServiceConfig2(service.Handle, windows.SERVICE_CONFIG_DESCRIPTION, at, n, needed)
	}))
	var dependences []string
	for p := c.Dependencies; p != nil && *p != 0; {
		name := windows.UTF16PtrToString(p)
		dependences = append(dependences, name)
		p = (*uint16)(unsafe.Add(unsafe.Pointer(p), 2*(len(name)+1)))
	}
	return registration{
		kind: c.ServiceType, start: c.StartType, display: windows.UTF16PtrToString(c.DisplayName),
		description: windows.UTF16PtrToString(d.Description), binary: windows.UTF16PtrToString(c.BinaryPathName),
		account: windows.UTF16PtrToString(c.ServiceStartName), dependences: strings.Join(dependences, ","),
	}
}

// parameter returns a text under the parameters in the service's registry key.
func (s *installed) parameter(t *testing.T, name string) string {
	t.Helper()
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+s.name+`\Parameters`, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return ""
	}
	must(t, err)
	defer key.Close()
	value, _, err := key.GetStringValue(name)
	if !errors.Is(err, registry.ErrNotExist) {
		must(t, err)
	}
	return value
}

// Issue 10, section 3: a service that somebody else registered is left alone, is taken over by
// install --adopt, and is restored by uninstall.
func TestIssue10_3_AdoptAndPutBack(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.theirs(t, registration{
		kind: windows.SERVICE_WIN32_OWN_PROCESS, start: windows.SERVICE_DEMAND_START,
		display: "Their own " + s.instance, description: "made by hand", dependences: "RpcSs",
	}, "run", "--instance", s.instance, "--config", s.config)
	key, _, err := registry.CreateKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+s.name+`\Parameters`, registry.SET_VALUE)
	must(t, err)
	must(t, errors.Join(key.SetStringValue("Port", "80"), key.SetStringValue("Restart", "theirs"), key.Close()))
	before := s.registration(t)
	s.begin(t)
	s.tells(t, "started", 1)

	for _, verb := range []string{"start", "stop", "restart", "reload", "uninstall", "install"} {
		s.do(t, verb).want(t, 77, "was not made by holdfast", "install --adopt")
	}
	if st := s.status(t); st.Installed || !st.Ready {
		t.Errorf("status: %+v", st)
	}
	s.do(t, "status").want(t, 0, "not made by holdfast")
	if now := s.registration(t); now != before {
		t.Fatalf("a verb has changed it: %+v, before %+v", now, before)
	}

	s.do(t, "install", "--adopt").want(t, 0, `-`, "made by hand")
	if n := len(s.lines(t, "stopped")); n != 1 { // what runs by the old one is stopped, in order
		t.Errorf("%d ordered stops", n)
	}
	if now := s.registration(t); now.description == before.description || !strings.Contains(now.binary, filepath.Base(s.config)) {
		t.Errorf("it is not ours: %+v", now)
	}
	s.do(t, "start").want(t, 0)
	if st := s.running(t); !st.Installed || st.StartedBy != "scm" {
		t.Errorf("status: %+v", st)
	}
	s.do(t, "install").want(t, 0) // once more: it still knows what was there
	s.do(t, "restart").want(t, 0)

	s.do(t, "uninstall").want(t, 0)
	if now := s.registration(t); now != before {
		t.Errorf("put back %+v, before %+v", now, before)
	}
	for name, want := range map[string]string{"Port": "80", "Restart": "theirs", "Made": "", "Before": "", "RuntimeDir": ""} {
		if got := s.parameter(t, name); got != want {
			t.Errorf("its parameter %s is %q, before %q", name, got, want)
		}
	}
	s.do(t, "start").want(t, 77, "was not made by holdfast")
	s.begin(t) // theirs works as before
	s.tells(t, "started", 4)
}

// A disabled service is disabled afterwards, and not started on request.
func TestIssue10_3_AdoptADisabledOne(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.theirs(t, registration{kind: windows.SERVICE_WIN32_OWN_PROCESS, start: windows.SERVICE_DISABLED, display: s.name}, "run")
	before := s.registration(t)
	s.do(t, "install", "--adopt", "--start").want(t, 0)
	s.running(t)
	s.do(t, "uninstall").want(t, 0)
	if now := s.registration(t); now != before {
		t.Errorf("put back %+v, before %+v", now, before)
	}
}

// A service that could not be restored completely is not taken over.
func TestIssue10_3_AdoptRefusesASharedProcess(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.theirs(t, registration{kind: windows.SERVICE_WIN32_SHARE_PROCESS, start: windows.SERVICE_DEMAND_START, display: s.name}, "run")
	before := s.registration(t)
	s.do(t, "install", "--adopt").want(t, 77, "a type other than own process", "could not be restored")
	if now := s.registration(t); now != before {
		t.Errorf("it has %+v, before %+v", now, before)
	}
}
