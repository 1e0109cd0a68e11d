package singleton_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
)

// squat creates a mutex, or an event, with the given descriptor, until leave is called.
func squat(t *testing.T, name, sddl string, mutex bool) (leave func()) {
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
	leave = sync.OnceFunc(func() { _ = windows.CloseHandle(h) })
	t.Cleanup(leave)
	return leave
}

// Issue 9, D: anybody can create an object with a service's name before it starts.
func TestIssue9_D_SquattedNamesKeepNobodyFromStarting(t *testing.T) {
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
				mustBeFree(t, o)
				l := acquire(t, o)
				mustBeNamed(t, l, mutex)
				if found := l.Check(); found != nil {
					t.Errorf("told again: %v", found)
				}
				if h, err := singleton.Probe(o); err != nil || h.PID != os.Getpid() {
					t.Errorf("probe: %v, %v", h, err)
				}
				start(t, "hold", o, nil).expect(t, "refused: already running")
				must(t, l.Release())
				mustBeFree(t, o)
			})
		}
	}
}

// mustBeNamed requires that the first check names the squatter of a mutex.
func mustBeNamed(t *testing.T, l *singleton.Lock, mutex string) {
	t.Helper()
	found := l.Check()
	if len(found) != 1 || !errors.Is(found[0], proc.ErrSquatted) || errors.Is(found[0], singleton.ErrBroken) || !strings.Contains(found[0].Error(), mutex) {
		t.Fatalf("found %v, want %s named as squatted", found, mutex)
	}
	t.Log(found[0])
}

// Squatting for a while gains nothing: the name is claimed as soon as the squatter is gone, so
// that versions that know only the mutexes are refused.
func TestSquattedNameIsClaimedLater(t *testing.T) {
	o := options(t)
	leave := squat(t, o.Mutexes()[0], "D:P(A;;GA;;;WD)", true)
	l := acquire(t, o)
	mustBeNamed(t, l, o.Mutexes()[0])
	leave()
	if found := l.Check(); found != nil {
		t.Errorf("%v", found)
	}
	if !private(t, o.Mutexes()[0], l.Holder().SID) {
		t.Error("it is not ours")
	}
}

// The record of a dead holder must not make a squatter a holder. The record of a living holder
// takes precedence over his access list.
func TestTheRecordTellsHeldFromSquatted(t *testing.T) {
	o := options(t)
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	record := read(t, o.LockFile())
	a.kill(t)
	squat(t, o.Mutexes()[0], "D:P(A;;GA;;;S-1-5-21-1-2-3-1002)", true)
	live := start(t, "linger", o, nil)
	id, err := proc.Of(live.cmd.Process.Pid)
	must(t, err)
	old, err := singleton.ParseRecord([]byte(record))
	must(t, err)
	// The dead holder's number, given to another process.
	reused := strings.Replace(record, `"pid":`+strconv.Itoa(old.PID), `"pid":`+strconv.Itoa(id.PID), 1)
	for name, content := range map[string]string{"of a dead holder": record, "with the number of another process": reused, "none": ""} {
		must(t, os.WriteFile(o.LockFile(), []byte(content), 0o600))
		l, err := singleton.Acquire(o)
		if err != nil {
			t.Errorf("record %s: %v", name, err)
			continue
		}
		mustBeNamed(t, l, o.Mutexes()[0])
		must(t, l.Release())
	}
	// An instance of a version that has only the mutexes.
	verified := strings.Replace(reused, `"start":`+strconv.FormatUint(old.Start, 10), `"start":`+strconv.FormatUint(id.Start, 10), 1)
	must(t, os.WriteFile(o.LockFile(), []byte(verified), 0o600))
	_, err = singleton.Acquire(o)
	if held, ok := errors.AsType[*singleton.HeldError](err); !ok || held.Holder.PID != id.PID {
		t.Errorf("with the record of a process that lives: %v", err)
	}
	if h, err := singleton.Probe(o); err != nil || h.PID != id.PID {
		t.Errorf("probe: %v, %v", h, err)
	}
	if got := read(t, o.LockFile()); got != verified {
		t.Errorf("its record is now %q", got)
	}
}

// An older version has only the mutexes, with our user and our access list. It counts even if
// its record is lost.
func TestOlderVersionWithoutARecord(t *testing.T) {
	o := options(t)
	me, err := proc.Owner(os.Getpid())
	must(t, err)
	leave := squat(t, o.Mutexes()[1], "O:"+me+"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;"+me+")", true)
	_, err = singleton.Acquire(o)
	if held, ok := errors.AsType[*singleton.HeldError](err); !ok || held.Holder.Known() {
		t.Errorf("got %v, want held by nobody known", err)
	}
	if h, err := singleton.Probe(o); err != nil || h.Known() {
		t.Errorf("probe: %v, %v", h, err)
	}
	leave()
	mustBeFree(t, o)
	acquire(t, o)
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

// All spellings of a directory lead to the same name.
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
	// The name does not change when the directory is removed.
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

// The mutexes are open to SYSTEM, Administrators and our user, who owns them.
func TestMutexIsNobodyElses(t *testing.T) {
	o := options(t)
	l := acquire(t, o)
	for _, name := range o.Mutexes() {
		if !private(t, name, l.Holder().SID) {
			t.Errorf("%s is not", name)
		}
	}
}

func private(t *testing.T, mutex, user string) bool {
	t.Helper()
	p, err := windows.UTF16PtrFromString(mutex)
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
	return owner.String() == user && dacl.AceCount == 3 && strings.Contains(sd.String(), ";;;SY)") && strings.Contains(sd.String(), ";;;BA)")
}
