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

// Config describes a service. It is the [service] table of the configuration
// file too; the tag help is a key's meaning, and zero is the default that [Keys]
// names. In the file a zero is refused where it would not mean what it says.
type Config struct {
	Name        string `toml:"name" help:"the program's, and the file may not change it; letters, digits, '.', '_', '-'"`
	DisplayName string `toml:"display_name" help:"for people; the name, if there is none"`
	Description string `toml:"description" help:"one line; the display name, if there is none"`

	Args             []string          `toml:"args" help:"appended to run when a manager starts it"`
	Env              map[string]string `toml:"env" help:"environment, set by the manager"`
	User             string            `toml:"user" help:"root, or whose user-scope service it is, if there is none"`
	Group            string            `toml:"group" help:"the user's own, if there is none"`
	WorkingDirectory string            `toml:"working_directory" help:"absolute; /, if there is none"`
	RootDirectory    string            `toml:"root_directory" help:"absolute; what it has for /, with its program and all its files in it; the machine's, if there is none"`
	Umask            string            `toml:"umask" help:"octal"`
	StartType        StartType         `toml:"start_type" help:"auto (at boot, or at login), manual (when somebody asks)"`
	After            []string          `toml:"after" help:"services that start before it and stop after it"`
	Requires         []string          `toml:"requires" help:"services that it cannot be without: started before it"`
	Wants            []string          `toml:"wants" help:"services that are started before it, and that it can be without"`
	NeedsNetwork     bool              `toml:"needs_network" help:"start when the machine has a network"`

	StartTimeout  time.Duration `toml:"start_timeout" help:"to readiness, between two signs of progress"`
	StopTimeout   time.Duration `toml:"stop_timeout" help:"the whole ordered stop; managers kill 10 s later"`
	ReloadTimeout time.Duration `toml:"reload_timeout" help:"one reload"`
	Watchdog      time.Duration `toml:"watchdog" help:"longest time without health; \"0s\": it is not watched"`
	// ProgramStopTimeout is what Stop has of StopTimeout. 0: a share of it, see the
	// package comment.
	ProgramStopTimeout time.Duration `toml:"program_stop_timeout" help:"what the program's own Stop may take of stop_timeout; \"0s\": a share of it"`
	HealthInterval     time.Duration `toml:"health_interval" help:"between two rounds of health checks, where no watchdog sets the pace"`

	Restart   Restart         `toml:"restart"`
	Limits    Limits          `toml:"limits"`
	Hardening Hardening       `toml:"hardening"`
	Log       logsink.Options `toml:"log"`
	Alarm     alarm.Config    `toml:"alarm"`
	Supervise bool            `toml:"supervise" help:"restart it ourselves where the manager does not"`

	// What only one manager knows, and all others leave out.
	Systemd Systemd `toml:"systemd"`
	Launchd Launchd `toml:"launchd"`
	Windows Windows `toml:"windows"`

	// What follows is said in code or by flags, never in the file.

	Version string `toml:"-"` // of the program
	// UpgradeKey is the public key of whoever makes versions of the program: the line
	// of minisign's, or 32 bytes of ed25519, in base64. With it `upgrade FILE` takes only
	// what FILE.minisig or FILE.sig signs. Empty: it takes what root, or the user of a
	// user's service, names.
	UpgradeKey string `toml:"-"`
	Instance   string `toml:"-"` // one of several of the same service
	// Command is the path of subcommands that leads from the program to the
	// service's own commands, for a tree that is mounted in a larger one:
	// ["admin", "service"] where `prog admin service run` is what runs it, with flags
	// of the program's among them. Every command line that is installed has it.
	Command []string `toml:"-"`
	// File is the configuration file. Run reads its [service] table over the
	// values here and refuses what nobody knows; a reload reads it again.
	File string `toml:"-"`
	// DefaultFile is the text of a configuration file to begin with: where there is none,
	// `install` writes it to the file that is read without --config. One that was changed
	// since is kept, and another DefaultFile, of a newer version, laid beside it. Empty:
	// install writes none.
	DefaultFile string `toml:"-"`
	// DefaultFileSecret has nobody but root and the service's own user (by his group) read what install
	// writes of DefaultFile; in a user's scope nobody but that user. The account has to be there before.
	// On Windows the access list of the directory rules.
	DefaultFileSecret bool `toml:"-"`
	// Scope is whose service it is: what it was installed with, and never derived
	// from the user that it runs as. Empty: the system's for root, the user's for
	// everybody else.
	Scope platform.Scope `toml:"-"`
	// AsRoot has Run serve for root that runs by hand what has another User.
	AsRoot bool `toml:"-"`
	// Override is applied to what Load has read from the file, before it is
	// checked: what the command line says beats the file, at each reload as well.
	Override func(*Config) `toml:"-"`
	// Tables are the program's own tables in the file: see [DecodeTable].
	Tables     []string `toml:"-"`
	RuntimeDir string   `toml:"-"` // default: from the manager, or by platform: see [Dirs]
	StateDir   string   `toml:"-"`
	// AlarmWebhook takes alarms to the URL of [service.alarm] webhook: webhook.Sender{}, of
	// package service/alarm/webhook. Nil: that key is refused, and no client of HTTP is linked.
	AlarmWebhook alarm.Poster `toml:"-"`
	// OnTamper is called, by one goroutine at a time, when somebody removed or
	// altered our PID or lock file while we run: an alarm. They are restored. While
	// a call runs, eight others wait and what is more is dropped; the log has all.
	// No call begins after the stop, and one that runs then is not waited for.
	OnTamper func(error) `toml:"-"`
	// Extensions are what the program takes in beside its own: see [Extension].
	Extensions []Extension `toml:"-"`
	// Fallback has managers for machines that none of holdfast's own runs, FreeBSD or
	// OpenWrt for two: see package platform/kardianos, which has one. nil: there are none.
	Fallback platform.Fallback `toml:"-"`
	// Guest is for a program whose life and command line are its own; nil for any other.
	Guest *Guest `toml:"-"`

	text            *string           // what LoadAs took for the content of File; nil: it is read
	original        *Config           // as the code made it, before Load laid the file over it
	programSettings map[string]string // digests of the program's tables in the file; nil before Load
	extensions      map[string]any    // their tables, decoded; nil before Load
}

// Restart says when the service is started again. Like the tables behind it, it is
// the same to a configuration and to the definition that a manager gets.
type Restart = platform.Restart

// Limits bound what the service may use.
type Limits = platform.Limits

// Hardening takes from the service what it does not need.
type Hardening = platform.Hardening

// Systemd is what only systemd knows.
type Systemd = platform.Systemd

// Launchd is what only launchd knows.
type Launchd = platform.Launchd

// Windows is what only the Windows service control manager knows.
type Windows = platform.Windows

// StartType says when a manager starts the service by itself.
type StartType = platform.StartType

// Switch is a setting that is on unless it is switched off.
type Switch = platform.Switch

// Size is a number of bytes, written "512M" or as a plain number.
type Size = platform.Size

// The positions of a [Switch]. The zero Switch is on.
const (
	On  = platform.On
	Off = platform.Off
)

// ErrConfig means that the configuration is wrong. The text names file, line
// and key where there are any. The exit code is 78.
var ErrConfig = errors.New("bad configuration")

// FieldError is one field of a Config with an unusable value.
type FieldError struct {
	Key string // as in the file, "restart.delay"
	Err error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Key, e.Err) }

// Unwrap gives the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// ID is the service's name on its manager.
func (c Config) ID(scope platform.Scope) platform.ID {
	return platform.ID{Name: c.Name, Instance: c.Instance, Scope: scope}
}

// detached is c sharing nothing with it that can be written to, so that a file can
// be laid over it.
func (c Config) detached() Config {
	detach(reflect.ValueOf(&c).Elem())
	return c
}

// withDefaults puts the documented defaults in place of zero values.
func (c Config) withDefaults() Config {
	set(&c.DisplayName, c.Name)
	set(&c.Description, c.DisplayName)
	d := platform.Defaults()
	set(&c.Umask, fmt.Sprintf("%04o", *d.Umask))
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
	return c
}

// origin is c as it was before Load. It shares nothing with the caller's, who may
// go on with that.
func (c Config) origin() Config {
	if c.original == nil {
		return c.detached()
	}
	return *c.original
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check returns all that is wrong with c as one error that is [ErrConfig], with
// a [*FieldError] for each.
func (c Config) Check() error {
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
		bad("program_stop_timeout", fmt.Errorf("%v is more than stop_timeout, %v, which it is a part of", c.ProgramStopTimeout, stop))
	}
	d.Restart.Check(func(key string, err error) { bad("restart."+key, err) })
	bad("start_type", platform.OneOf(d.StartType, platform.StartTypes()))
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
		if dir != "" && !platform.AbsoluteAnywhere(dir) { // it may be for another machine's plan
			bad(key, fmt.Errorf("%q is not an absolute path", dir))
		}
	}
	c.checkValues(bad)
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

func (c Config) umask() (*fs.FileMode, error) {
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
