package platform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types in this file are both tables of the configuration file and parts of a [Unit]. In
// all of them zero means the default: see [Defaults]. The help tag documents a key for people.

// OneOf returns nil if value is one of the allowed values. Otherwise the error lists them.
func OneOf[T ~string](value T, allowed []T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(names, ", "))
}

// A StartType says when a manager starts the service automatically.
type StartType string

// The start types.
const (
	StartAuto   StartType = "auto"   // at boot or login
	StartManual StartType = "manual" // only on request
)

// StartTypes returns all start types.
func StartTypes() []StartType { return []StartType{StartAuto, StartManual} }

// Limits limit the resources of the service. 0 leaves the manager's default.
type Limits struct {
	NoFile uint64  `toml:"nofile" help:"open files"`
	NProc  uint64  `toml:"nproc" help:"processes of the service's user"`
	Core   *uint64 `toml:"core" help:"bytes of a core dump; 0: no core dumps"`
	Memory Size    `toml:"memory" help:"memory of the whole service, such as \"512M\""`
	Tasks  uint64  `toml:"tasks" help:"threads and processes of the whole service"`
	CPU    uint64  `toml:"cpu" help:"processor time of the whole service, in percent of one processor"`
	Nice   int     `toml:"nice" help:"scheduling priority, from -20 (highest) to 19"`
}

// Hardening takes away what the service does not need. Every switch is on unless it is set to
// [Off].
type Hardening struct {
	NoNewPrivileges  Switch `toml:"no_new_privileges" help:"no new privileges by setuid programs"`
	ProtectSystem    Switch `toml:"protect_system" help:"read-only file system, except for the service's own directories"`
	ProtectHome      Switch `toml:"protect_home" help:"no access to home directories"`
	PrivateTmp       Switch `toml:"private_tmp" help:"a /tmp of its own"`
	PrivateDevices   Switch `toml:"private_devices" help:"no physical devices"`
	ProtectKernel    Switch `toml:"protect_kernel" help:"no changes to tunables, modules, logs, control groups, clock, host name"`
	ProtectProc      Switch `toml:"protect_proc" help:"processes of other users are hidden"`
	RestrictNetwork  Switch `toml:"restrict_network" help:"only IPv4, IPv6, netlink and unix sockets"`
	RestrictSyscalls Switch `toml:"restrict_syscalls" help:"only the system calls of an ordinary service"`
	MemoryDenyWrite  Switch `toml:"memory_deny_write_execute" help:"no memory both writable and executable"`

	Capabilities        []string `toml:"capabilities" help:"capabilities to keep; [\"all\"]: root keeps all capabilities"`
	ReadWritePaths      []string `toml:"read_write_paths" help:"paths excepted from protect_system"`
	SupplementaryGroups []string `toml:"supplementary_groups" help:"additional groups of its user"`
}

// Systemd has the settings that only systemd knows.
type Systemd struct {
	Extra     []string `toml:"extra" help:"lines to add to [Service], each \"Key=value\""`
	UnitExtra []string `toml:"unit_extra" help:"lines to add to [Unit], likewise"`
	WantedBy  string   `toml:"wanted_by" help:"target that starts it; default: multi-user.target, or default.target in user scope"`
	// PreserveSockets makes systemd 254 and later keep the sockets also while the service is
	// stopped.
	PreserveSockets bool `toml:"preserve_sockets" help:"keep sockets open also while it is stopped, and not only during restarts; systemd 254"`
	Version         int  `toml:"version" help:"version of systemd that the unit is written for; 0: this machine's, or any"`
}

// Launchd has the settings that only launchd knows. See launchd.plist(5).
type Launchd struct {
	ProcessType  string   `toml:"process_type" help:"ProcessType of launchd: Standard, Background, Adaptive, Interactive"`
	SessionTypes []string `toml:"session_types" help:"sessions in which a service of a user is loaded; default: Aqua and Background"`
	// SessionCreate gives a system service a security session of its own. It then has no
	// keychain but its own.
	SessionCreate bool           `toml:"session_create" help:"a security session of its own: see launchd.plist(5)"`
	Extra         map[string]any `toml:"extra" help:"additional keys of the property list, written as they are"`
}

// LaunchdProcessTypes returns the valid values of [Launchd.ProcessType]: see launchd.plist(5).
func LaunchdProcessTypes() []string {
	return []string{"Standard", "Background", "Adaptive", "Interactive"}
}

// LaunchdSessionTypes returns the valid values in [Launchd.SessionTypes].
func LaunchdSessionTypes() []string {
	return []string{"Aqua", "Background", "LoginWindow", "StandardIO"}
}

// Windows has the settings that only the Windows service control manager knows.
type Windows struct {
	Start  WindowsStart  `toml:"start" help:"delayed (after the automatic ones), auto (at boot), manual, disabled"`
	GiveUp WindowsGiveUp `toml:"give_up" help:"action after the last restart: nothing, or reboot the machine"`
	// PasswordFile is read only by the installing process. The account gets the right to log
	// on as a service.
	PasswordFile string `toml:"password_file" help:"absolute path of a file with the password of user, if that is a person's account; read by install"`
	// Password is the password itself, for programs that do not have it in a file. It appears
	// in no configuration, definition, plan or journal.
	Password     Secret        `toml:"-"`
	Preshutdown  time.Duration `toml:"preshutdown_timeout" help:"how long a shutdown of the machine waits for it; \"0s\": stop_timeout plus 10 s"`
	Dependencies []string      `toml:"dependencies" help:"additional services, or groups as \"+NAME\", that have to run before it"`
}

// Container has the settings that only managers of containers know: Kubernetes and Compose.
type Container struct {
	Image   string `toml:"image" help:"image of its container, which has the program; default: name"`
	Storage Size   `toml:"storage" help:"size of the volume for its state, on Kubernetes; 0: \"1G\""`
}

// A WindowsStart says when Windows starts a service.
type WindowsStart string

// The Windows start types.
const (
	WindowsDelayed WindowsStart = "delayed" // some time after boot
	WindowsAuto    WindowsStart = "auto"    // at boot
	WindowsManual  WindowsStart = "manual"  // only on request
	// WindowsDisabled means never, not even on request.
	WindowsDisabled WindowsStart = "disabled"
)

// WindowsStarts returns all Windows start types.
func WindowsStarts() []WindowsStart {
	return []WindowsStart{WindowsDelayed, WindowsAuto, WindowsManual, WindowsDisabled}
}

// A WindowsGiveUp says what Windows does if the service fails again after restart.max
// restarts.
type WindowsGiveUp string

// The actions after the last restart.
const (
	WindowsNothing WindowsGiveUp = "nothing"
	WindowsReboot  WindowsGiveUp = "reboot" // after restart.delay
)

// WindowsGiveUps returns all of these actions.
func WindowsGiveUps() []WindowsGiveUp { return []WindowsGiveUp{WindowsNothing, WindowsReboot} }

// A Switch is a setting that is on by default.
type Switch int8

// The zero Switch is on.
const (
	On  Switch = 0
	Off Switch = -1
)

// String returns "true" or "false".
func (s Switch) String() string { return strconv.FormatBool(s == On) }

// UnmarshalText parses a boolean as strconv.ParseBool does.
func (s *Switch) UnmarshalText(text []byte) error {
	on, err := strconv.ParseBool(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", text)
	}
	*s = Off
	if on {
		*s = On
	}
	return nil
}

// A Size is a number of bytes, written as "512M" or as a plain number. K, M, G and T are
// powers of 1024, as in systemd.resource-control(5).
type Size uint64

// UnmarshalText parses a number with an optional suffix.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := strings.TrimSuffix(string(text), "B"), uint64(1)
	digits = strings.TrimSuffix(digits, "i")
	if i := len(digits) - 1; i > 0 {
		if power := strings.IndexByte("KMGT", digits[i]); power >= 0 {
			digits, unit = digits[:i], 1<<(10*(power+1))
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > (1<<63)/unit {
		return fmt.Errorf(`%q is not a size: write "512M", "2G" or a number of bytes`, text)
	}
	*s = Size(n * unit)
	return nil
}
