package scm_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

var dirs = scm.Dirs{
	Base: `C:\ProgramData\feedd`, Runtime: `C:\ProgramData\feedd\run`, State: `C:\ProgramData\feedd\state`, Logs: `C:\ProgramData\feedd\log`,
}

var feedd = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}

// A fake is a simulated machine with an SCM. It records what is done to services. It may be
// used by several goroutines.
type fake struct {
	platform.System
	mu       sync.Mutex
	services map[string]*entry
	sources  map[string]scm.Source
	lists    map[string]string // of directories
	files    map[string]string
	calls    []string
	fail     map[string]uint32 // a call that is refused, with which code
	alive    map[int]bool
	pids     int
}

// entry is one service.
type entry struct {
	r       scm.Registration
	s       scm.Status
	onStart func(*fake, *entry) // what its process does; by default it is RUNNING at once
	onStop  func(*fake, *entry) // likewise: STOPPED, and gone
	handles int                 // of others
	deleted bool
}

func newFake() *fake {
	return &fake{
		services: map[string]*entry{}, sources: map[string]scm.Source{}, lists: map[string]string{}, files: map[string]string{},
		fail: map[string]uint32{}, alive: map[int]bool{}, pids: 100,
	}
}

func (f *fake) manager() *scm.Manager {
	begun := time.Now()
	return scm.New(f, f, scm.Options{
		Dirs:      func(platform.ID) (scm.Dirs, error) { return dirs, nil },
		Monotonic: func() (time.Duration, error) { return time.Hour + time.Since(begun), nil },
	})
}

// has registers a service as install does.
func (f *fake) has(u platform.Unit) *entry {
	r, err := scm.Render(u, dirs)
	if err != nil {
		panic(err)
	}
	e := &entry{r: r, s: scm.Status{State: scm.Stopped, Win32Exit: 1077}}
	f.services[r.Name] = e
	return e
}

// call records a call and finds the service. The caller must call the returned function to
// unlock.
func (f *fake) call(call, name string) (*entry, func(), error) {
	f.mu.Lock()
	f.calls = append(f.calls, call+" "+name)
	if no, ok := f.fail[call]; ok {
		return nil, f.mu.Unlock, &scm.CallError{Call: call, Code: no}
	}
	e := f.services[name]
	if e != nil && e.deleted && e.handles == 0 && e.s.State == scm.Stopped {
		delete(f.services, name)
		e = nil
	}
	if e == nil {
		return nil, f.mu.Unlock, &scm.CallError{Call: call, Code: 1060}
	}
	return e, f.mu.Unlock, nil
}

func (f *fake) Query(name string) (scm.Status, error) {
	e, unlock, err := f.call("Query", name)
	defer unlock()
	if err != nil {
		return scm.Status{}, err
	}
	f.calls = f.calls[:len(f.calls)-1] // asked again and again
	return e.s, nil
}

func (f *fake) Config(name string) (scm.Registration, error) {
	e, unlock, err := f.call("Config", name)
	defer unlock()
	if err != nil {
		return scm.Registration{}, err
	}
	return e.r, nil
}

func (f *fake) Create(r scm.Registration) error {
	e, unlock, err := f.call("Create", r.Name)
	defer unlock()
	var call *scm.CallError
	switch {
	case err == nil && e.deleted:
		return &scm.CallError{Call: "Create", Code: 1072}
	case err == nil:
		return &scm.CallError{Call: "Create", Code: 1073}
	case errors.As(err, &call) && call.Code != 1060:
		return err
	}
	f.services[r.Name] = &entry{r: r, s: scm.Status{State: scm.Stopped, Win32Exit: 1077}}
	return nil
}

func (f *fake) Change(r scm.Registration) error {
	e, unlock, err := f.call("Change", r.Name)
	defer unlock()
	if err == nil {
		e.r = r
	}
	return err
}

func (f *fake) Delete(name string) error {
	e, unlock, err := f.call("Delete", name)
	defer unlock()
	if err == nil {
		e.deleted = true
	}
	return err
}

func (f *fake) Start(name string) error {
	e, unlock, err := f.call("Start", name)
	defer unlock()
	switch {
	case err != nil:
		return err
	case e.s.State != scm.Stopped:
		return &scm.CallError{Call: "Start", Code: 1056}
	}
	f.pids++
	f.alive[f.pids] = true
	e.s = scm.Status{State: scm.StartPending, PID: f.pids, CheckPoint: 1, WaitHint: 30000}
	if e.onStart != nil {
		go e.onStart(f, e)
	} else {
		e.s = scm.Status{State: scm.Running, Accepts: 0x10d, PID: f.pids}
	}
	return nil
}

func (f *fake) Control(name string, c scm.Control) error {
	e, unlock, err := f.call("Control "+c.String(), name)
	defer unlock()
	switch {
	case err != nil:
		return err
	case e.s.State == scm.Stopped:
		return &scm.CallError{Call: "Control", Code: 1062}
	case e.s.State != scm.Running:
		return &scm.CallError{Call: "Control", Code: 1061}
	case c == scm.ControlParamChange:
		return nil
	}
	e.s = scm.Status{State: scm.StopPending, PID: e.s.PID, CheckPoint: 1, WaitHint: 30000}
	if e.onStop != nil {
		go e.onStop(f, e)
	} else {
		f.end(e, scm.Status{})
	}
	return nil
}

// end reports STOPPED and ends the process.
func (f *fake) end(e *entry, how scm.Status) {
	f.alive[e.s.PID] = false
	how.State = scm.Stopped
	e.s = how
}

// set reports a status of a service's process after some time.
func (f *fake) set(after time.Duration, e *entry, s scm.Status) {
	time.Sleep(after)
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.State == scm.Stopped {
		f.end(e, s)
		return
	}
	s.PID = e.s.PID
	e.s = s
}

func (f *fake) Dependents(string) ([]string, error) { return []string{"web", "mail"}, nil }

type proc struct {
	f   *fake
	pid int
}

func (f *fake) Process(pid int) (scm.Process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pid == 0 || !f.alive[pid] {
		return nil, &scm.CallError{Call: "OpenProcess", Code: 87}
	}
	return proc{f, pid}, nil
}

func (p proc) Ended() (bool, error) {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return !p.f.alive[p.pid], nil
}

func (proc) Close() error { return nil }

func (f *fake) Source(name string) (scm.Source, error) { return f.sources[name], nil }

func (f *fake) PutSource(name string, s scm.Source) error {
	if no, ok := f.fail["PutSource"]; ok {
		return &scm.CallError{Call: "PutSource", Code: no}
	}
	if !s.Exists {
		delete(f.sources, name)
		return nil
	}
	f.sources[name] = s
	return nil
}

func (f *fake) Directory(path string) (string, bool, error) {
	list, there := f.lists[path]
	return list, there, nil
}

func (f *fake) MakeDirectory(path, sddl string) error {
	f.lists[path] = sddl
	return nil
}

// The rest is for the installer.

func (f *fake) ReadFile(path string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text, ok := f.files[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (f *fake) Stat(path string) (fs.FileInfo, error) {
	if _, ok := f.lists[path]; ok {
		return nil, nil
	}
	return nil, fs.ErrNotExist
}

func (f *fake) Remove(path string) error {
	if _, ok := f.lists[path]; !ok {
		return fs.ErrNotExist
	}
	delete(f.lists, path)
	return nil
}

func (f *fake) RemoveAll(path string) error {
	delete(f.lists, path)
	return nil
}

// wrote sets what the process of a service has written about itself.
func (f *fake) wrote(e *entry, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[dirs.Runtime+`\`+e.r.Name+".state.json"] = fmt.Sprintf(`{"process":{"pid":%d},%s}`, e.s.PID, text)
}

func (f *fake) did(call string) bool { return slices.Contains(f.calls, call) }
