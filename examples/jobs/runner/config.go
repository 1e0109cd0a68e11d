package runner

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// table is the program's own table in the configuration file.
const table = "jobs"

// config is the [jobs] table. Values that can be checked on their own check themselves while
// they are decoded, so that the error names their line.
type config struct {
	Listen     address `toml:"listen" help:"address of the API: 127.0.0.1:PORT or [::1]:PORT; another one takes token_file, cert_file and key_file; changes by restart"`
	TokenFile  string  `toml:"token_file" help:"file (0600) with the token that every request must have; none: whoever is on this machine may ask; changes by restart"`
	CertFile   string  `toml:"cert_file" help:"certificate of the API, which then is https; changes by restart"`
	KeyFile    string  `toml:"key_file" help:"its private key; changes by restart"`
	CAFile     string  `toml:"ca_file" help:"authorities that sign it, for trigger; default: those of the system; changes by restart"`
	MaxRunning count   `toml:"max_running" help:"how many jobs run here at the same time; changes by restart"`
	Lease      delay   `toml:"lease" help:"how long a worker may be silent until its work is run again; changes by reload"`
	MaxCrashes count   `toml:"max_crashes" help:"in how many crashes a run may be under way until it is set aside; changes by restart"`
	Keep       count   `toml:"keep" help:"how many ended runs are kept, with their output; changes by restart"`
	Jobs       []job   `toml:"job" help:"the timetable; changes by reload"`
}

// A job is one [[jobs.job]].
type job struct {
	Name       string    `toml:"name" help:"letters, digits, '.', '_', '-'"`
	Schedule   *schedule `toml:"schedule" help:"cron line; none: by hand and by the API only"`
	Command    []string  `toml:"command" help:"program and arguments, no shell"`
	CatchUp    catchUp   `toml:"catch_up" help:"off, once or all: what becomes of the times that were missed"`
	Overlap    overlap   `toml:"overlap" help:"allow, skip or queue: what becomes of a run while another is under way"`
	Timeout    delay     `toml:"timeout" help:"how long one attempt may take; none: as long as it likes"`
	Retries    count     `toml:"retries" help:"how often it is tried again when it failed by itself"`
	RetryDelay delay     `toml:"retry_delay" help:"pause before the first retry; each one after it is twice as long, up to an hour"`
	Rerun      bool      `toml:"rerun_if_interrupted" help:"run it again when it was cut off"`
}

const (
	defaultLease      = 30 * time.Second
	defaultRetryDelay = time.Second
	longestRetryDelay = time.Hour
)

// Tables returns the program's own tables with their defaults.
func (*program) Tables() map[string]any { d := defaults(); return map[string]any{table: &d} }

func defaults() config {
	return config{Listen: address{netip.MustParseAddrPort("127.0.0.1:7717")}, MaxRunning: 8, Lease: delay(defaultLease), MaxCrashes: 5, Keep: 1000}
}

// readConfig reads the table in its current state. The error is [service.ErrConfig].
func readConfig(decode func(table string, dst any) error) (config, error) {
	c := defaults()
	err := decode(table, &c)
	return c, err
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Validate checks the values together.
func (c *config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, &service.FieldError{Key: key, Err: fmt.Errorf(format, args...)})
	}
	if c.Listen.IsValid() && !c.Listen.Addr().IsLoopback() && (c.TokenFile == "" || c.CertFile == "") {
		bad("listen", "%v: only addresses of this machine are allowed without token_file, cert_file and key_file: 127.0.0.1:PORT or [::1]:PORT", c.Listen)
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		bad("cert_file", "cert_file and key_file need each other")
	}
	if c.Lease < delay(time.Second) {
		bad("lease", "%v is less than a second", time.Duration(c.Lease))
	}
	for key, n := range map[string]count{"max_running": c.MaxRunning, "max_crashes": c.MaxCrashes, "keep": c.Keep} {
		if n < 1 {
			bad(key, "%d: at least 1", n)
		}
	}
	seen := map[string]bool{}
	for i, j := range c.Jobs {
		switch {
		case !jobName.MatchString(j.Name):
			bad("job", "number %d: name %q: letters, digits, '.', '_' and '-', and a letter or digit first", i+1, j.Name)
		case seen[j.Name]:
			bad("job", "%q occurs twice", j.Name)
		case len(j.Command) == 0 || j.Command[0] == "":
			bad("job", "%q: command: missing: name the program and its arguments", j.Name)
		}
		seen[j.Name] = true
	}
	return errors.Join(errs...)
}

// find returns the job of that name.
func (c *config) find(name string) (job, bool) {
	for _, j := range c.Jobs {
		if j.Name == name {
			return j, true
		}
	}
	return job{}, false
}

// pause returns the pause before the retry after that many failures.
func (j job) pause(failures int) time.Duration {
	d := time.Duration(j.RetryDelay)
	if d == 0 {
		d = defaultRetryDelay
	}
	for ; failures > 1 && d < longestRetryDelay; failures-- {
		d *= 2
	}
	return min(d, longestRetryDelay)
}

type (
	address struct{ netip.AddrPort }
	delay   time.Duration // not negative
	count   int           // not negative
	catchUp string
	overlap string
)

const (
	catchUpOff  catchUp = "off" // the default
	catchUpOnce catchUp = "once"
	catchUpAll  catchUp = "all"

	overlapAllow overlap = "allow" // the default
	overlapSkip  overlap = "skip"
	overlapQueue overlap = "queue"
)

func (a *address) UnmarshalText(text []byte) (err error) {
	a.AddrPort, err = netip.ParseAddrPort(string(text))
	return err
}

func (d *delay) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = fmt.Errorf("%v is negative", parsed)
	}
	*d = delay(parsed)
	return err
}

// MarshalText formats a delay for `config print`.
func (d delay) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler wants the error
	return []byte(time.Duration(d).String()), nil
}

func (c *catchUp) UnmarshalText(text []byte) (err error) {
	*c, err = oneOf(string(text), catchUpOff, catchUpOnce, catchUpAll)
	return err
}

func (o *overlap) UnmarshalText(text []byte) (err error) {
	*o, err = oneOf(string(text), overlapAllow, overlapSkip, overlapQueue)
	return err
}

func oneOf[T ~string](text string, known ...T) (T, error) {
	for _, k := range known {
		if text == string(k) {
			return k, nil
		}
	}
	return "", fmt.Errorf("%q is not one of %q", text, known)
}
