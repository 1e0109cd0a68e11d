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

// A Double is the launchd of one machine. Its exported fields must be set before use. Its
// methods are safe for concurrent use.
type Double struct {
	// Prefix precedes all paths of property lists and in them, except those of programs.
	// Empty: the paths are those of the machine itself.
	Prefix string
	// Root is the uid that counts as root; 0 unless a test runs as another user.
	Root int
	// Settle is how long the label of a booted-out job stays in use after the end of the job.
	Settle time.Duration
	// LoggedIn are the users who are logged in at the screen.
	LoggedIn []int
	// Slow makes bootout answer 36, "in progress", while the job's process is running, as
	// launchd sometimes does. The command also sets it with a verb: see [Double.Control].
	Slow bool
	// OnDemandOnly makes a loaded job wait for a kickstart before it starts, as launchd
	// sometimes does. The command sets it with a verb that launchctl does not have: see
	// [Double.Control].
	OnDemandOnly bool

	mu       sync.Mutex
	jobs     map[string]*job      // by service target
	settling map[string]time.Time // when labels become free
	left     sync.WaitGroup
}

func (d *Double) ready() {
	if d.jobs == nil {
		d.jobs, d.settling = map[string]*job{}, map[string]time.Time{}
	}
}

// Boot loads the jobs that a boot loads.
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

// Shutdown boots out all jobs, and returns when all processes are gone.
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

// gone removes a job. The caller holds mu.
func (d *Double) gone(j *job) {
	delete(d.jobs, j.target())
	d.settling[j.target()] = time.Now().Add(d.Settle)
}

// overridesFile is the file with the results of enable and disable, by domain and label. It
// survives jobs and boots.
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

// overrideKey returns the prefix of a domain's keys. A user's two domains share one list.
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
