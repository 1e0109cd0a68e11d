package foreign

import (
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// An Init is one of these init systems.
type Init struct {
	Name   string // of the manager: "rcs"
	System string // the library's name for it
	// Definition is the file that the library makes for a service, and Links are further files
	// beside it. NAME stands for the service's name.
	Definition string
	Links      []string
	Mode       uint32 // of the definition
	// PIDFile has the PID of the service or of its supervisor. It is empty if the init has no
	// such file.
	PIDFile string
	// ByHand means that we have to stop the service ourselves before we tell the init. Such an
	// init may kill a service before the end of its stop_timeout, or does not notice its end,
	// and it does not restart the service at once.
	ByHand bool
	// Log are the files with the output of the service.
	Log []string

	checkName     func(name string) error
	words         bool // the working directory can be set
	restarts      bool // the init restarts the service whenever it ends
	describes     bool // the definition has the description
	shows         bool // the definition has the display name
	missing       []string
	stops, starts string // what applies instead of stop_timeout and restart
}

// all lists the init systems, by name.
var all = []Init{
	{
		Name: "freebsd", System: "freebsd", Definition: "/usr/local/etc/rc.d/NAME", Mode: 0o755, PIDFile: "/var/run/NAME.pid",
		checkName: variable, restarts: true,
		starts: "daemon(8) restarts it one second after every exit, without limit",
		stops:  "at shutdown rc.shutdown(8) waits for rcshutdown_timeout",
		missing: []string{
			"its output is lost: set [service.log] sink or file",
		},
	},
	{
		Name: "procd", System: "linux-procd", Definition: "/etc/init.d/NAME", Links: []string{"/etc/rc.d/S50NAME", "/etc/rc.d/K02NAME", "/etc/rc.d/S21NAME", "/etc/rc.d/K89NAME"},
		Mode: 0o755, PIDFile: "/var/run/NAME.pid", ByHand: true,
		restarts: true,
		starts:   "procd restarts it 5 s after every exit, and gives up after 5 exits within an hour",
		stops:    "at shutdown, and whenever anything but this program stops it, procd kills it 5 s after SIGTERM",
	},
	{
		Name: "rcs", System: "linux-rcs", Definition: "/etc/init.d/NAME", Links: []string{"/etc/rc.d/S50NAME"}, Mode: 0o755, PIDFile: "/var/run/NAME.pid", ByHand: true,
		Log:   []string{"/var/log/NAME.log", "/var/log/NAME.err"},
		words: true, describes: true, shows: true,
		starts: "nothing restarts it after a failure",
		stops:  "at shutdown nothing stops it in order: init sends SIGTERM to all processes, and SIGKILL soon after",
		missing: []string{
			"its script signals the process whose number is in /var/run/NAME.pid, whatever process that is by now: use this program's own commands, not the script",
			"/var/log/NAME.log and .err grow without limit",
		},
	},
	{
		Name: "smf", System: "solaris-smf", Definition: "/lib/svc/manifest/application/NAME.xml", Mode: 0o644,
		Log:       []string{"/var/svc/log/application-NAME:default.log"},
		checkName: fmri, words: true, shows: true, restarts: true,
		starts: "SMF restarts it after every exit, and puts it into maintenance after too many",
		stops:  "is the timeout of its stop method, after which SMF kills it",
		missing: []string{
			"it starts at boot only after it was started by hand, and no longer after it was stopped (svcadm enable, disable)",
			"holdfast compiles for illumos but not for Solaris, and cannot identify processes there: `run` refuses to start",
		},
	},
	{
		Name: "src", System: "aix-ssrc", Definition: "/etc/rc.d/init.d/NAME", Mode: 0o755,
		Links:     []string{"/etc/rc.d/rc2.d/S50NAME", "/etc/rc.d/rc2.d/K02NAME", "/etc/rc.d/rc3.d/S50NAME", "/etc/rc.d/rc3.d/K02NAME", "/etc/rc2.d/S50NAME", "/etc/rc2.d/K02NAME", "/etc/rc3.d/S50NAME", "/etc/rc3.d/K02NAME"},
		checkName: subsystem, restarts: true,
		starts: "the SRC restarts it after every exit",
		stops:  "the SRC kills it 30 s after SIGTERM",
		missing: []string{
			"its output goes to the console: set [service.log] sink or file",
			"holdfast does not compile for AIX: its locks need flock(2), which AIX does not have",
		},
	},
	{
		Name: "upstart", System: "linux-upstart", Definition: "/etc/init/NAME.conf", Mode: 0o644,
		checkName: job, words: true, describes: true, shows: true, restarts: true,
		starts:  "upstart restarts it after every exit, and gives up after 10 exits within 5 s",
		stops:   "upstart kills it 5 s after SIGINT",
		missing: []string{"its output is lost: set [service.log] sink or file"},
	},
}

// Names returns all names, in order.
func Names() []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return names
}

// Find returns the init system with that name.
func Find(name string) (Init, bool) {
	i := slices.IndexFunc(all, func(i Init) bool { return i.Name == name })
	if i < 0 {
		return Init{}, false
	}
	return all[i], true
}

// Missing says, for people, what a service lacks there.
func (i Init) Missing() []string {
	return append([]string{
		"the init does not know when it is ready, only this program's own commands do: services that start after it start too early",
		i.starts,
		"stop_timeout: " + i.stops,
		"no hardening, limits, umask or watchdog: it runs as root, with the init's settings",
	}, i.missing...)
}

// LeftOut returns the settings that no definition there can express, but that are not refused.
func (i Init) LeftOut() []platform.Omission {
	left := []platform.Omission{
		{Key: "start_timeout", Why: "the program's own commands enforce it"},
		{Key: "reload_timeout", Why: "the program's own commands enforce it"},
		{Key: "watchdog", Why: "the program's own health checks enforce it; a program that hangs completely is not noticed"},
		{Key: "needs_network", Why: room.NetworkByItself},
		{Key: "hardening.read_write_paths", Why: "no path is protected from writes"},
		{Key: "hardening.capabilities", Why: "root keeps all capabilities"},
		{Key: "socket", Why: "nothing keeps sockets there: each start opens them, and connections are refused while it is down"},
		{Key: "runtime_dir", Why: "the program gets it by a flag"},
		{Key: "state_dir", Why: "the program gets it by a flag"},
	}
	if i.Name != "smf" {
		left = append(left, platform.Omission{Key: "stop_timeout", Why: "the program enforces it; " + i.stops})
	}
	for key, held := range map[string]bool{"display_name": i.shows, "description": i.describes} {
		if !held {
			left = append(left, platform.Omission{Key: key, Why: "its definition has no place for it"})
		}
	}
	for _, key := range room.Switches() {
		left = append(left, platform.Omission{Key: key, Why: "nothing can take that from a service there"})
	}
	return room.LeftOut("", left...)
}

// LeftOut returns the omissions of the init with that name, or nil if it is none of these.
func LeftOut(name string) []platform.Omission {
	if i, ok := Find(name); ok {
		return i.LeftOut()
	}
	return nil
}

// Words reports whether the working directory of a service can be set.
func (i Init) Words() bool { return i.words }
