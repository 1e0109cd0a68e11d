package singleton_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/singleton"
)

// openAlone opens a file without sharing it, like a careless backup.
func openAlone(t *testing.T, path string) (leave func()) {
	t.Helper()
	p, err := windows.UTF16PtrFromString(path)
	must(t, err)
	h, err := windows.CreateFile(p, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	must(t, err)
	return func() { _ = windows.CloseHandle(h) }
}

// A virus scanner or a backup has the mutex open for an instant.
func TestReaderNeverMakesAStarterFail(t *testing.T) {
	o := options(t)
	must(t, acquire(t, o).Release())
	for range 20 {
		leave := openAlone(t, o.MutexFile())
		begun := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			close(begun)
			l, err := singleton.Acquire(o)
			if err == nil {
				err = l.Release()
			}
			done <- err
		}()
		<-begun
		leave()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// A process that keeps the mutex open is no holder, and the wait for it is limited.
func TestReaderThatStays(t *testing.T) {
	o := options(t)
	must(t, acquire(t, o).Release())
	leave := openAlone(t, o.MutexFile())
	defer leave()
	l, err := singleton.Acquire(o)
	if !errors.Is(err, singleton.ErrBroken) || !strings.Contains(err.Error(), o.MutexFile()) {
		t.Errorf("%v, %v: want the file named", l, err)
	}
	mustBeFree(t, o)
}

// While the mutex is held, others can read it, but neither remove nor replace it.
func TestHeldMutexStaysWhereItIs(t *testing.T) {
	o := options(t)
	l := acquire(t, o)
	if _, err := os.ReadFile(o.MutexFile()); err != nil {
		t.Error(err)
	}
	other := o.MutexFile() + ".other"
	must(t, os.WriteFile(other, nil, 0o600))
	for what, do := range map[string]func() error{
		"removed":  func() error { return os.Remove(o.MutexFile()) },
		"renamed":  func() error { return os.Rename(o.MutexFile(), o.MutexFile()+".gone") },
		"replaced": func() error { return os.Rename(other, o.MutexFile()) },
	} {
		if err := do(); !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if found := l.Check(); found != nil {
		t.Error(found)
	}
	start(t, "hold", o, nil).expect(t, "refused: already running")
}

// The lock of this file decides: even if others have both names and nobody knows the holder,
// there is exactly one winner.
func TestOneWinnerAmongSquatters(t *testing.T) {
	o := options(t)
	for _, name := range o.Mutexes() {
		squat(t, name, "D:P(A;;GA;;;WD)", true)
	}
	all := make([]*other, 50)
	for i := range all {
		all[i] = start(t, "hold", o, nil)
	}
	var winner *other
	for _, p := range all {
		switch line := p.says(t); {
		case line == "held" && winner == nil:
			winner = p
		case line == "held":
			t.Error("a second winner")
		case !strings.HasPrefix(line, "refused: already running"):
			t.Errorf("a loser says %q", line)
		}
	}
	must(t, os.Remove(o.LockFile()))
	start(t, "hold", o, nil).expect(t, "refused: already running")
	winner.kill(t)
	start(t, "hold", o, nil).expect(t, "held")
}

// allow gives path the access list of sddl.
func allow(t *testing.T, path, sddl string) {
	t.Helper()
	sd, err := windows.SecurityDescriptorFromString(sddl)
	must(t, err)
	dacl, _, err := sd.DACL()
	must(t, err)
	must(t, windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil))
}

func accessTo(t *testing.T, path string) string {
	t.Helper()
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	must(t, err)
	return sd.String()
}

// Whoever can open the mutex can lock it. So only users who can create files in its directory
// can open it. Wine keeps Unix modes, so Everyone is the only group that it remembers.
func TestMutexIsClosedToOthers(t *testing.T) {
	const public = "D:P(A;;FA;;;BA)(A;;FA;;;SY)(A;;FA;;;WD)"
	o := options(t)
	l := acquire(t, o)
	if list := accessTo(t, o.MutexFile()); strings.Contains(list, ";;;WD)") || strings.Contains(list, ";;;BU)") {
		t.Errorf("made with %s", list)
	}
	if found := l.Check(); found != nil {
		t.Fatal(found)
	}
	closed := func(found []error) {
		t.Helper()
		if len(found) != 1 || !strings.Contains(found[0].Error(), o.MutexFile()) || !strings.Contains(found[0].Error(), "by others") && !strings.Contains(found[0].Error(), "locked, by ") {
			t.Errorf("found %v", found)
		}
		t.Log(found)
		if list := accessTo(t, o.MutexFile()); strings.Contains(list, ";;;WD)") {
			t.Errorf("still %s", list)
		}
		if found := l.Check(); found != nil {
			t.Errorf("and then %v", found)
		}
		start(t, "hold", o, nil).expect(t, "refused: already running")
	}
	allow(t, o.MutexFile(), public)
	p, err := windows.UTF16PtrFromString(o.MutexFile())
	must(t, err)
	stranger, err := windows.CreateFile(p, windows.GENERIC_READ, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_EXISTING, 0, 0)
	must(t, err)
	defer func() { _ = windows.CloseHandle(stranger) }()
	closed(l.Check())
	// The file that he has open is not the one that is locked from now on.
	must(t, l.Release())
	must(t, windows.LockFileEx(stranger, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1}))
	l = acquire(t, o)
	must(t, l.Release())

	allow(t, o.MutexFile(), public)
	l = acquire(t, o)
	closed(l.Check())
}

// The access list of the directory decides, so that one start by hand as an administrator does
// not lock out the service's user.
func TestMutexIsOpenToWhoMayMakeFilesThere(t *testing.T) {
	const service = "S-1-5-80-1-2-3-4-5"
	dir := "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;" + service + ")(A;OICI;0x1200a9;;;BU)"
	got, err := singleton.Makers(dir)
	must(t, err)
	want := fmt.Sprint([]string{"S-1-5-18", "S-1-5-32-544", service})
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// 50 starters in one process and a mutex that does not exist yet: one of them wins.
func TestOneGoroutineWins(t *testing.T) {
	o := options(t)
	all := make(chan error, 50)
	for range cap(all) {
		go func() {
			l, err := singleton.Acquire(o)
			if err == nil {
				t.Cleanup(func() { _ = l.Release() })
			}
			all <- err
		}()
	}
	won := 0
	for range cap(all) {
		select {
		case err := <-all:
			if err == nil {
				won++
			} else if !errors.Is(err, singleton.ErrHeld) {
				t.Error(err)
			}
		case <-time.After(5 * time.Minute):
			t.Fatal("it takes too long")
		}
	}
	if won != 1 {
		t.Errorf("%d have it", won)
	}
	if _, err := os.Stat(filepath.Join(o.StateDir, "feedd.mutex")); err != nil {
		t.Error(err)
	}
}
