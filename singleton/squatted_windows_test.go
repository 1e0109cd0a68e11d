package singleton_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
)

// squat makes a mutex, or an event, with the given descriptor.
func squat(t *testing.T, name, sddl string, mutex bool) {
	t.Helper()
	sa := &windows.SecurityAttributes{}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	if sddl != "" {
		sd, err := windows.SecurityDescriptorFromString(sddl)
		must(t, err)
		sa.SecurityDescriptor = sd
	}
	p, err := windows.UTF16PtrFromString(name)
	must(t, err)
	var h windows.Handle
	if mutex {
		h, err = windows.CreateMutex(sa, true, p)
	} else {
		h, err = windows.CreateEvent(sa, 0, 0, p)
	}
	must(t, err)
	t.Cleanup(func() { _ = windows.CloseHandle(h) })
}

// Anybody can make an object of a service's name before it starts.
func TestSquattedNames(t *testing.T) {
	me, err := proc.Owner(os.Getpid())
	must(t, err)
	cases := map[string]struct {
		sddl  string
		mutex bool
	}{
		"of our own user":             {"O:" + me + "D:P(A;;GA;;;SY)(A;;GA;;;WD)(A;;GA;;;" + me + ")", true},
		"keeps us out":                {"D:P(A;;GA;;;S-1-5-21-1-2-3-1002)", true},
		"lets all in":                 {"D:P(A;;GA;;;WD)", true},
		"a default":                   {"", true},
		"another object":              {"", false},
		"an object that keeps us out": {"D:P(A;;GA;;;S-1-5-21-1-2-3-1002)", false},
	}
	for name, c := range cases {
		for which := range 2 {
			t.Run(name, func(t *testing.T) {
				o := options(t)
				mutex := o.Mutexes()[which]
				squat(t, mutex, c.sddl, c.mutex)
				l, err := singleton.Acquire(o)
				if !errors.Is(err, singleton.ErrBroken) || !errors.Is(err, proc.ErrSquatted) || errors.Is(err, singleton.ErrHeld) {
					t.Fatalf("%v, %v: want it named as squatted", l, err)
				}
				if t.Log(err); !strings.Contains(err.Error(), mutex) {
					t.Error("it does not name the mutex")
				}
				if h, err := singleton.Probe(o); !errors.Is(err, proc.ErrSquatted) {
					t.Errorf("probe: %v, %v", h, err)
				}
				for _, path := range []string{o.PIDFile(), o.LockFile()} {
					if _, err := os.Lstat(path); err == nil {
						t.Errorf("%s was written", path)
					}
				}
			})
		}
	}
}

// The record of a holder that is no more must not make a squatter a holder, and
// that of a holder who lives is the better answer than his access list.
func TestTheRecordTellsHeldFromSquatted(t *testing.T) {
	o := options(t)
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	record := read(t, o.LockFile())
	a.kill(t)
	squat(t, o.Mutexes()[0], "D:P(A;;GA;;;S-1-5-21-1-2-3-1002)", true)
	if _, err := singleton.Acquire(o); !errors.Is(err, proc.ErrSquatted) {
		t.Errorf("with the record of a dead holder: %v", err)
	}
	live := start(t, "linger", o, nil)
	id, err := proc.Of(live.cmd.Process.Pid)
	must(t, err)
	old, err := singleton.ParseRecord([]byte(record))
	must(t, err)
	// The dead holder's number, given to another process.
	reused := strings.Replace(record, `"pid":`+strconv.Itoa(old.PID), `"pid":`+strconv.Itoa(id.PID), 1)
	must(t, os.WriteFile(o.LockFile(), []byte(reused), 0o600))
	if _, err := singleton.Acquire(o); !errors.Is(err, proc.ErrSquatted) {
		t.Errorf("with the number of another process: %v", err)
	}
	verified := strings.Replace(reused, `"start":`+strconv.FormatUint(old.Start, 10), `"start":`+strconv.FormatUint(id.Start, 10), 1)
	must(t, os.WriteFile(o.LockFile(), []byte(verified), 0o600))
	_, err = singleton.Acquire(o)
	if held, ok := errors.AsType[*singleton.HeldError](err); !ok || held.Holder.PID != id.PID {
		t.Errorf("with the record of a process that lives: %v", err)
	}
}

// A holder whose record is lost is no squatter.
func TestHolderWithoutARecord(t *testing.T) {
	o := options(t)
	start(t, "hold", o, nil).expect(t, "held")
	must(t, os.Remove(o.LockFile()))
	_, err := singleton.Acquire(o)
	if held, ok := errors.AsType[*singleton.HeldError](err); !ok || held.Holder.Known() {
		t.Errorf("got %v, want held by nobody known", err)
	}
	if h, err := singleton.Probe(o); err != nil || h.Known() {
		t.Errorf("probe: %v, %v", h, err)
	}
}

// A name is one however its directory is spelt.
func TestOneNameForAllSpellings(t *testing.T) {
	o := options(t)
	dir := filepath.Join(o.Dir, "A Long Name In Mixed Case")
	must(t, os.Mkdir(dir, 0o700))
	o.Dir, o.StateDir = dir, dir
	want := o.Mutexes()
	spellings := map[string]string{
		"upper case": strings.ToUpper(dir),
		"lower case": strings.ToLower(dir),
		"dots":       dir + `\..\` + filepath.Base(dir) + `\.`,
		"slashes":    filepath.ToSlash(dir),
		"verbatim":   `\\?\` + dir,
	}
	if short := shortName(dir); short != "" {
		spellings["short name"] = short
	}
	for name, spelt := range spellings {
		other := o
		other.Dir, other.StateDir = spelt, spelt
		if got := other.Mutexes(); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s (%s): %v, want %v", name, spelt, got, want)
		}
	}
	if want[0] == want[1] {
		t.Errorf("both are %s", want[0])
	}
	other := o
	other.Name = "other"
	if got := other.Mutexes(); got[0] == want[0] || got[1] == want[1] {
		t.Errorf("another name has %v", got)
	}
	// Nor does it change when the directory goes.
	must(t, os.RemoveAll(o.Dir))
	for _, spelt := range []string{o.Dir, strings.ToUpper(o.Dir), filepath.ToSlash(o.Dir)} {
		other := o
		other.Dir, other.StateDir = spelt, spelt
		if got := other.Mutexes(); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("without the directory, %s: %v, want %v", spelt, got, want)
		}
	}
}

func shortName(path string) string {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return ""
	}
	buf := make([]uint16, windows.MAX_PATH)
	n, err := windows.GetShortPathName(p, &buf[0], uint32(len(buf)))
	if err != nil || int(n) > len(buf) {
		return ""
	}
	return windows.UTF16ToString(buf[:n])
}

// The mutex is for SYSTEM, Administrators and our user, who is its owner.
func TestMutexIsNobodyElses(t *testing.T) {
	o := options(t)
	l := acquire(t, o)
	for _, name := range o.Mutexes() {
		p, err := windows.UTF16PtrFromString(name)
		must(t, err)
		h, err := windows.OpenMutex(windows.READ_CONTROL, false, p)
		must(t, err)
		sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
		must(t, err)
		_ = windows.CloseHandle(h)
		owner, _, err := sd.Owner()
		must(t, err)
		dacl, _, err := sd.DACL()
		must(t, err)
		if owner.String() != l.Holder().SID || dacl.AceCount != 3 || !strings.Contains(sd.String(), ";;;SY)") || !strings.Contains(sd.String(), ";;;BA)") {
			t.Errorf("%s: %s", name, sd)
		}
	}
}
