package service

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// Config describes a service. It is also the [service] table of the configuration file: the
// tag help describes a key, and a zero value stands for the default that [Keys] lists. A zero
// in the file is refused if the default is another value.
type Config struct {
	Name        string `toml:"name" help:"name of the service, set by the program; the file may not change it; letters, digits, '.', '_', '-'"`
	DisplayName string `toml:"display_name" help:"name for people; default: name"`
	Description string `toml:"description" help:"description, one line; default: display_name"`

	Args             []string          `toml:"args" help:"arguments appended to run when a manager starts the service"`
	Env              map[string]string `toml:"env" help:"environment variables that the manager sets"`
	User             string            `toml:"user" help:"user that the service runs as; default: root, or the owner of a service in user scope"`
	Group            string            `toml:"group" help:"group; default: the user's primary group"`
	WorkingDirectory string            `toml:"working_directory" help:"absolute path; default: /"`
	RootDirectory    string            `toml:"root_directory" help:"absolute path of the directory that the service sees as /, with its program and all its files; default: the machine's root"`
	Umask            string            `toml:"umask" help:"file mode mask, octal"`
	StartType        StartType         `toml:"start_type" help:"auto (at boot, or at login), manual (by command only, or by a connection: see activation)"`
	Activation       Activation        `toml:"activation" help:"socket: the manager listens at the sockets from boot on, and a connection starts the service; systemd only"`
	After            []string          `toml:"after" help:"services to start before it and to stop after it"`
	Requires         []string          `toml:"requires" help:"services that it needs: started before it, and it fails without them"`
	Wants            []string          `toml:"wants" help:"services to start before it, if they can be started"`
	NeedsNetwork     bool              `toml:"needs_network" help:"start after the network is up"`

	StartTimeout  time.Duration `toml:"start_timeout" help:"longest time until it is ready, or between two signs of progress"`
	StopTimeout   time.Duration `toml:"stop_timeout" help:"limit of the whole ordered stop; managers kill 10 s later"`
	ReloadTimeout time.Duration `toml:"reload_timeout" help:"limit of one reload"`
	Watchdog      time.Duration `toml:"watchdog" help:"longest time without a sign of health; \"0s\": no watchdog"`
	// ProgramStopTimeout is the part of StopTimeout that Stop may use. 0: the share that the
	// package comment describes.
	ProgramStopTimeout time.Duration `toml:"program_stop_timeout" help:"limit of the program's own Stop, within stop_timeout; \"0s\": a share of it"`
	HealthInterval     time.Duration `toml:"health_interval" help:"time between two rounds of health checks, if no watchdog sets it"`

	Restart   Restart         `toml:"restart"`
	Limits    Limits          `toml:"limits"`
	Hardening Hardening       `toml:"hardening"`
	Log       logsink.Options `toml:"log"`
	Alarm     alarm.Config    `toml:"alarm"`
	Supervise bool            `toml:"supervise" help:"run it under a supervisor of its own, which restarts it and keeps its sockets meanwhile"`

	Sockets []Socket `toml:"socket" help:"sockets at which it listens, each a table [[service.socket]]: see docs/sockets.md"`

	// Settings of one manager, which all others ignore.
	Systemd Systemd `toml:"systemd"`
	Launchd Launchd `toml:"launchd"`
	Windows Windows `toml:"windows"`
	// Settings of the managers of containers.
	Container Container `toml:"container"`

	// The remaining fields are set in code or by flags, never in the file.

	Version string `toml:"-"` // of the program
	// UpgradeKey is the public key of the vendor, in base64: the key line of minisign, or 32
	// bytes of ed25519. With it, `upgrade FILE` accepts only a file that FILE.minisig or
	// FILE.sig signs. Empty: it accepts any file that root names, or the user of a user's
	// service.
	UpgradeKey string `toml:"-"`
	Instance   string `toml:"-"` // one of several instances of the service
	// Command is the path of subcommands to the service's own commands, for a command tree
	// that is mounted in a larger one: ["admin", "service"] if `prog admin service run` runs
	// the service. It may contain flags of the program. Every installed command line has it.
	Command []string `toml:"-"`
	// File is the path of the configuration file. Run reads its [service] table over the
	// values here, and refuses unknown keys. A reload reads it again.
	File string `toml:"-"`
	// DefaultFile is the text of an initial configuration file. If there is no file, `install`
	// writes the text to the path that is read without --config. A file that was edited is
	// kept, and the DefaultFile of a newer version is written beside it. Empty: install writes
	// no file.
	DefaultFile string `toml:"-"`
	// DefaultFileSecret restricts who can read the file that install writes from DefaultFile:
	// only root and, by its group, the service's user. In user scope only that user can read
	// it. The account must exist before. On Windows the access list of the directory decides.
	DefaultFileSecret bool `toml:"-"`
	// Scope is the scope that the service was installed with. It is never derived from the
	// user that the service runs as. Empty: the system for root, the user for everybody else.
	Scope platform.Scope `toml:"-"`
	// AsRoot allows root to run by hand a service that has another User.
	AsRoot bool `toml:"-"`
	// Override is applied after Load has read the file and before the result is checked. So
	// the command line takes precedence over the file, also at each reload.
	Override func(*Config) `toml:"-"`
	// Tables names the program's own tables in the file: see [DecodeTable].
	Tables     []string `toml:"-"`
	RuntimeDir string   `toml:"-"` // default: from the manager, or by platform: see [Dirs]
	StateDir   string   `toml:"-"`
	// AlarmWebhook posts alarms to the URL of the key webhook in [service.alarm]. Set it to
	// webhook.Sender{} of package service/alarm/webhook. Nil: the key is refused, and no HTTP
	// client is linked.
	AlarmWebhook alarm.Poster `toml:"-"`
	// OnTamper is called when somebody has removed or altered the PID file or the lock file of
	// the running service. Both are restored. Calls are made by one goroutine at a time. While
	// one is running, up to eight others wait and any more are dropped; the log has all of
	// them. No call begins after the stop, and the stop does not wait for a running one.
	OnTamper func(error) `toml:"-"`
	// Extensions are optional parts that the program includes: see [Extension].
	Extensions []Extension `toml:"-"`
	// Cluster elects the one instance that works, among those on several machines. Nil: each
	// machine has its own.
	Cluster Cluster `toml:"-"`
	// Fallback provides managers for machines that run none of holdfast's own, such as FreeBSD
	// or OpenWrt. Package platform/kardianos has one. Nil: there are none.
	Fallback platform.Fallback `toml:"-"`
	// Guest is set for a program with a life and a command line of its own. Nil for all
	// others.
	Guest *Guest `toml:"-"`

	text            *string           // the content of File that LoadAs was given; nil: File is read
	original        *Config           // the Config set in code, before Load read the file over it
	programSettings map[string]string // digests of the program's tables in the file; nil before Load
	extensions      map[string]any    // their tables, decoded; nil before Load
}

// Restart says when the service is restarted. Like the types below, it is shared by the
// configuration and the service definition.
type Restart = platform.Restart

// Limits restricts the resources of the service.
type Limits = platform.Limits

// Hardening restricts the privileges of the service.
type Hardening = platform.Hardening

// Socket is a socket at which the service listens: see [Runtime.Listen].
type Socket = platform.Socket

// Systemd has settings that only systemd knows.
type Systemd = platform.Systemd

// Launchd has settings that only launchd knows.
type Launchd = platform.Launchd

// Windows has settings that only the Windows service control manager knows.
type Windows = platform.Windows

// Container has settings that only managers of containers know.
type Container = platform.Container

// StartType says when a manager starts the service by itself.
type StartType = platform.StartType

// Activation says what starts the service besides the boot and the start command.
type Activation = platform.Activation

// A Switch is a setting that is on unless it is switched off.
type Switch = platform.Switch

// A Size is a number of bytes, written "512M" or as a plain number.
type Size = platform.Size

// The positions of a [Switch]. The zero Switch is on.
const (
	On  = platform.On
	Off = platform.Off
)

// ErrConfig means that the configuration is wrong. The text names file, line and key if they
// are known. The exit code is 78.
var ErrConfig = errors.New("bad configuration")

// A FieldError describes a field of a Config that has an invalid value.
type FieldError struct {
	Key string // as in the file, "restart.delay"
	Err error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Key, e.Err) }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// ID returns the identity of the service on its manager.
func (c Config) ID(scope platform.Scope) platform.ID {
	return platform.ID{Name: c.Name, Instance: c.Instance, Scope: scope}
}

// detached returns a copy of c that shares no memory with it, so that a file can be decoded
// over the copy.
//
// Like this method, everything that a start calls takes a pointer: a Config is large, and each
// copy on a stack makes the stack grow.
func (c *Config) detached() *Config {
	d := *c
	detach(reflect.ValueOf(&d).Elem())
	return &d
}

// complete replaces zero values by the documented defaults.
func (c *Config) complete() {
	set(&c.DisplayName, c.Name)
	set(&c.Description, c.DisplayName)
	d := platform.Defaults()
	set(&c.Umask, strconv.FormatUint(0o10000|uint64(*d.Umask), 8)[1:]) // four digits
	set(&c.StartType, d.StartType)
	set(&c.StartTimeout, d.StartTimeout)
	set(&c.StopTimeout, d.StopTimeout)
	set(&c.ReloadTimeout, d.ReloadTimeout)
	set(&c.HealthInterval, defaultHealthInterval)
	c.Restart = c.Restart.WithDefaults()
	c.Alarm = c.Alarm.WithDefaults()
	set(&c.Launchd.ProcessType, d.Launchd.ProcessType)
	set(&c.Windows.Start, d.Windows.Start)
	set(&c.Windows.GiveUp, d.Windows.GiveUp)
}

// withDefaults returns a complete copy.
func (c *Config) withDefaults() *Config {
	d := *c
	d.complete()
	return &d
}

// origin returns c as it was before Load. It shares no memory with the caller's Config, and
// must not be changed.
func (c *Config) origin() *Config {
	if c.original == nil {
		return c.detached()
	}
	return c.original
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check returns everything that is wrong with c as one error. It is [ErrConfig], and contains
// a [*FieldError] for each problem.
func (c Config) Check() error { return c.check() }

func (c *Config) check() error {
	var errs []error
	bad := func(key string, err error) {
		if err != nil {
			errs = append(errs, &FieldError{Key: key, Err: err})
		}
	}
	bad("name", platform.CheckName(c.Name))
	if c.Instance != "" {
		bad("instance", platform.CheckName(c.Instance))
	}
	for key, d := range map[string]time.Duration{
		"start_timeout": c.StartTimeout, "stop_timeout": c.StopTimeout, "reload_timeout": c.ReloadTimeout,
		"watchdog": c.Watchdog, "program_stop_timeout": c.ProgramStopTimeout, "health_interval": c.HealthInterval, "restart.delay": c.Restart.Delay, "restart.window": c.Restart.Window, "restart.max_delay": c.Restart.MaxDelay, "restart.reset_after": c.Restart.ResetAfter,
		"windows.preshutdown_timeout": c.Windows.Preshutdown,
	} {
		if d < 0 {
			bad(key, fmt.Errorf("%v is negative", d))
		}
	}
	d := c.withDefaults()
	if stop := d.StopTimeout; c.ProgramStopTimeout > stop {
		bad("program_stop_timeout", fmt.Errorf("%v is more than stop_timeout, %v, of which it is a part", c.ProgramStopTimeout, stop))
	}
	d.Restart.Check(func(key string, err error) { bad("restart."+key, err) })
	bad("start_type", platform.OneOf(d.StartType, platform.StartTypes()))
	if c.Activation != "" {
		bad("activation", platform.OneOf(c.Activation, platform.Activations()))
		if len(c.Sockets) == 0 {
			bad("activation", fmt.Errorf("%q: there is no [[service.socket]]", c.Activation))
		}
	}
	bad("windows.start", platform.OneOf(d.Windows.Start, platform.WindowsStarts()))
	bad("windows.give_up", platform.OneOf(d.Windows.GiveUp, platform.WindowsGiveUps()))
	bad("launchd.process_type", platform.OneOf(d.Launchd.ProcessType, platform.LaunchdProcessTypes()))
	for _, s := range c.Launchd.SessionTypes {
		bad("launchd.session_types", platform.OneOf(s, platform.LaunchdSessionTypes()))
	}
	if _, err := c.umask(); err != nil {
		bad("umask", err)
	}
	for key, dir := range map[string]string{"working_directory": c.WorkingDirectory, "root_directory": c.RootDirectory, "runtime_dir": c.RuntimeDir, "state_dir": c.StateDir} {
		if dir != "" && !platform.AbsoluteAnywhere(dir) { // c may be meant for the plan of another system
			bad(key, fmt.Errorf("%q is not an absolute path", dir))
		}
	}
	c.checkValues(bad)
	if s := c.clusterSettings(); s != nil {
		s.check(d.StopTimeout, bad)
	}
	platform.CheckSockets(c.Sockets, func(key string, err error) { bad("socket."+key, err) })
	d.Alarm.Check(c.AlarmWebhook, func(key string, err error) { bad("alarm."+key, err) })
	if err := c.Log.Check(); err != nil {
		key, reason := "log", err
		if field, ok := errors.AsType[*logsink.FieldError](err); ok {
			key, reason = "log."+field.Field, field.Err
		}
		bad(key, reason)
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return badConfig(errors.Join(errs...))
}

func (c *Config) umask() (*fs.FileMode, error) {
	if c.Umask == "" {
		return nil, nil
	}
	m, err := strconv.ParseUint(c.Umask, 8, 32)
	if err != nil || m > 0o777 {
		return nil, fmt.Errorf("%q is not an octal mode like \"0027\"", c.Umask)
	}
	mode := fs.FileMode(m)
	return &mode, nil
}
