//go:build linux

package launchdsim

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Double is the launchd of one machine. Its exported fields are set before it is
// used; its methods may be called by several goroutines.
type Double struct {
	// Prefix lies before every path of property lists and in them, but not before
	// programs. Empty: the machine itself.
	Prefix string
	// Root is the user who counts as root; 0 unless a test runs as somebody else.
	Root int
	// Settle is how long after the end of a booted-out job its label is not free.
	Settle time.Duration
	// LoggedIn are the users who sit at the screen.
	LoggedIn []int
	// Slow makes bootout answer 36, "in progress", while the job's process runs, as
	// launchd does at times; the command sets it by a verb, too.
	Slow bool
	// OnDemandOnly leaves what is loaded without a process until it is kickstarted,
	// as launchd does at times. The command sets it by a verb that launchctl does not have, see [Double.Control].
	OnDemandOnly bool

	mu       sync.Mutex
	jobs     map[string]*job      // by service target
	settling map[string]time.Time // labels that are not free before
	left     sync.WaitGroup
}

func (d *Double) ready() {
	if d.jobs == nil {
		d.jobs, d.settling = map[string]*job{}, map[string]time.Time{}
	}
}

// Boot loads what a boot loads.
func (d *Double) Boot() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ready()
	for _, path := range d.daemons() {
		if def, code := d.read(path, d.Root); code == 0 && !d.disabled("system", def) {
			d.load("system", d.Root, def)
		}
	}
}

// Shutdown boots everything out and returns when all processes are gone.
func (d *Double) Shutdown() {
	d.mu.Lock()
	for _, j := range d.jobs {
		j.bootOut()
	}
	d.mu.Unlock()
	d.left.Wait()
}

func (d *Double) load(domain string, uid int, def definition) {
	j := &job{double: d, domain: domain, uid: uid, def: def}
	d.jobs[j.target()] = j
	switch {
	case !def.atOnce():
	case d.OnDemandOnly:
		j.pended = true
	default:
		j.start()
	}
}

// gone takes a job out, mu being held.
func (d *Double) gone(j *job) {
	delete(d.jobs, j.target())
	d.settling[j.target()] = time.Now().Add(d.Settle)
}

// overrides are what enable and disable said, by domain and label: they outlive
// jobs and boots.
func (d *Double) overridesFile() string {
	return d.on("/var/db/com.apple.xpc.launchd/disabled.json")
}

func (d *Double) overrides() map[string]bool {
	o := map[string]bool{}
	if content, err := os.ReadFile(d.overridesFile()); err == nil {
		_ = json.Unmarshal(content, &o)
	} else if !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	return o
}

func (d *Double) override(domain, label string, disabled bool) error {
	o := d.overrides()
	o[overrideKey(domain)+label] = disabled
	content, err := json.Marshal(o)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(d.overridesFile()), 0o755)
	}
	if err == nil {
		err = os.WriteFile(d.overridesFile(), content, 0o644)
	}
	return err
}

// overrideKey: a user's two domains share one list.
func overrideKey(domain string) string {
	if domain == "system" {
		return "system/"
	}
	return filepath.Base(domain) + "/"
}

func (d *Double) disabled(domain string, def definition) bool {
	if said, ok := d.overrides()[overrideKey(domain)+def.Label]; ok {
		return said
	}
	return def.Disabled
}

func (d *Double) loggedIn(uid int) bool { return slices.Contains(d.LoggedIn, uid) }
