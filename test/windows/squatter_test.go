//go:build windows

package windows_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/singleton"
)

// Issue 9, D: somebody makes the mutexes of a service's name before it starts, which takes no
// privilege. The service starts nevertheless, its log names that user, and there is still only
// one instance.
func TestIssue9_D_SquattedMutexesKeepNoServiceFromStarting(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install").must(t)
	squatted := singleton.Options{Name: s.name, Dir: filepath.Dir(s.pidFile()), StateDir: filepath.Join(s.base(), "state")}.Mutexes()
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;GA;;;S-1-5-21-1-2-3-1002)") // somebody else's, who lets nobody in
	must(t, err)
	sa := &windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	for _, name := range squatted {
		p, err := windows.UTF16PtrFromString(name)
		must(t, err)
		h, err := windows.CreateMutex(sa, true, p)
		must(t, err)
		t.Cleanup(func() { _ = windows.CloseHandle(h) })
	}
	s.do(t, "start").want(t, 0)
	pid := s.running(t).PID
	for _, name := range squatted {
		eventually(t, "the log names "+name, func() bool { return strings.Contains(read(t, s.log), name) })
	}
	s.do(t, "run").want(t, 75)
	if st := s.running(t); st.PID != pid {
		t.Errorf("process %d became %+v", pid, st)
	}
	s.do(t, "restart").want(t, 0)
	s.running(t)
	s.do(t, "stop").want(t, 0)
}
