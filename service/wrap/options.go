package wrap

import "time"

// Options is the table [wrap] of a configuration file.
type Options struct {
	Command   []string          `toml:"command" help:"the program and its arguments; no shell interprets them"`
	Directory string            `toml:"directory" help:"absolute path of its working directory; default: the service's state directory"`
	Env       map[string]string `toml:"env" help:"environment variables in addition to those of the service"`
	Probes    string            `toml:"probes" help:"HOST:PORT at which probes of a container's manager are answered by HTTP, with 200 or 503:\n/readyz is 200 while the command is ready and healthy, /healthz while it runs and is healthy"`

	Ready   Ready          `toml:"ready"`
	Health  Health         `toml:"health"`
	Stop    Stop           `toml:"stop"`
	Reload  Reload         `toml:"reload"`
	Output  Output         `toml:"output"`
	Hooks   Hooks          `toml:"hooks"`
	Restart Restart        `toml:"restart"`
	Exit    map[string]int `toml:"exit" help:"exit code of the service when the command ends by itself: {\"3\" = 0, \"SIGSEGV\" = 70};\nof others: the same code, 128 and its number for a signal, and 1 for 75, 77 and 78, after which no manager starts a service again"`
}

// Ready says when the command is ready: when all conditions that are set hold. If none is set, it is
// ready once it was executed.
type Ready struct {
	TCP     string        `toml:"tcp" help:"ready when HOST:PORT accepts a connection"`
	Unix    string        `toml:"unix" help:"ready when the unix socket at this path accepts a connection"`
	HTTP    string        `toml:"http" help:"ready when this URL answers with status"`
	Status  int           `toml:"status" help:"HTTP status; 0: any from 200 to 399"`
	File    string        `toml:"file" help:"ready when this file exists; a file from before the start does not count"`
	Log     string        `toml:"log" help:"ready when a line of its output matches this regular expression (RE2)"`
	Command []string      `toml:"command" help:"a command that has to exit with 0"`
	Notify  bool          `toml:"notify" help:"ready when it sends READY=1 by sd_notify(3)"`
	Delay   time.Duration `toml:"delay" help:"ready after this time"`
	Timeout time.Duration `toml:"timeout" help:"limit of one attempt; start_timeout limits all of them together"`
	Mark    string        `toml:"mark" help:"path of a file that exists while the command is ready and healthy, for probes that look for a file"`
}

// Health says how the health of the command is checked. All conditions that are set have to hold.
type Health struct {
	TCP       string        `toml:"tcp" help:"as in wrap.ready"`
	Unix      string        `toml:"unix" help:"as in wrap.ready"`
	HTTP      string        `toml:"http" help:"as in wrap.ready"`
	Status    int           `toml:"status" help:"as in wrap.ready"`
	File      string        `toml:"file" help:"path of a file that has to exist"`
	Command   []string      `toml:"command" help:"a command that has to exit with 0"`
	Watchdog  time.Duration `toml:"watchdog" help:"longest time between two WATCHDOG=1 messages of the command; needs ready.notify"`
	Interval  time.Duration `toml:"interval" help:"time between two rounds"`
	Timeout   time.Duration `toml:"timeout" help:"limit of one attempt"`
	Threshold int           `toml:"threshold" help:"consecutive failures after which it is unhealthy"`
	Tolerate  bool          `toml:"tolerate" help:"only report that it is unhealthy, and do not end it"`
	Mark      string        `toml:"mark" help:"path of a file that exists from the start of the command on, while it is healthy"`
}

// Stop says how the command is asked to end: by a signal, a command, an HTTP call or keys.
type Stop struct {
	Signal  string        `toml:"signal" help:"SIGTERM, SIGINT, ...; not on Windows"`
	Tree    bool          `toml:"tree" help:"send the signal also to all processes that it has started"`
	Command []string      `toml:"command" help:"a command instead of a signal; if it fails, or needs three quarters of the grace, the signal follows"`
	HTTP    string        `toml:"http" help:"instead of a signal: a URL to POST to; likewise"`
	Keys    string        `toml:"keys" help:"on Windows, instead of a signal: ctrl-c, ctrl-break, close (WM_CLOSE to its windows), none"`
	Grace   time.Duration `toml:"grace" help:"time before all remaining processes are killed; less than stop_timeout"`
}

// Reload says how the command is asked to reload its own configuration: by a signal, a command or an
// HTTP call. If none is set, a reload of the service does not concern it.
type Reload struct {
	Check   []string      `toml:"check" help:"a command that checks the new configuration first, and has to exit with 0"`
	Signal  string        `toml:"signal" help:"SIGHUP, SIGUSR1, ...; not on Windows. On Linux one that the command does not handle is not sent, and the reload fails"`
	Command []string      `toml:"command" help:"a command instead of a signal; its exit code is the outcome"`
	HTTP    string        `toml:"http" help:"instead of a signal: a URL to POST to; the HTTP status is the outcome"`
	Notify  bool          `toml:"notify" help:"wait until it sends RELOADING=1 and then READY=1; needs ready.notify"`
	Timeout time.Duration `toml:"timeout" help:"limit of each of these; reload_timeout limits all of them together"`
}

// Output says how the output of the command is logged.
type Output struct {
	Stdout  string `toml:"stdout" help:"level of its lines: trace, debug, info, warn, error, off"`
	Stderr  string `toml:"stderr" help:"likewise"`
	Level   string `toml:"level" help:"regular expression (RE2) whose first group is the level of a line"`
	JSON    bool   `toml:"json" help:"turn lines that are JSON objects into fields; level, msg and similar keys are recognised"`
	ANSI    bool   `toml:"ansi" help:"keep colours and other escape sequences"`
	Full    string `toml:"full" help:"when the log is too slow: wait (which blocks the command), drop (and count)"`
	MaxLine int    `toml:"max_line" help:"longest line in bytes; a longer one is split"`
}

// Hooks are commands that run at events in the life of the command, in order.
type Hooks struct {
	BeforeStart [][]string    `toml:"before_start" help:"commands before the start; a failure prevents the start"`
	AfterReady  [][]string    `toml:"after_ready" help:"commands when it is ready; failures are reported"`
	AfterStop   [][]string    `toml:"after_stop" help:"commands when all of its processes have ended, for whatever reason; failures are reported.\nThey have WRAP_EXIT_CODE or WRAP_SIGNAL"`
	Timeout     time.Duration `toml:"timeout" help:"limit of each"`
}

// Restart says who restarts the command after it has ended by itself.
type Restart struct {
	Policy     string        `toml:"policy" help:"manager: the service ends with the command, and [service.restart] applies;\non-failure, always: the command is restarted while the service continues"`
	Delay      time.Duration `toml:"delay" help:"delay before the first restart"`
	MaxDelay   time.Duration `toml:"max_delay" help:"longest delay; each delay is twice the one before"`
	Jitter     float64       `toml:"jitter" help:"share of the delay by which it varies at random, so that many do not start at once"`
	ResetAfter time.Duration `toml:"reset_after" help:"after it was ready for this time, the next delay is the first again"`
	Max        int           `toml:"max" help:"consecutive restarts after which the service ends as with manager; -1: no limit"`
}

// Defaults returns the options of an empty table.
func Defaults() Options {
	return Options{
		Ready:   Ready{Timeout: 5 * time.Second},
		Health:  Health{Interval: 30 * time.Second, Timeout: 5 * time.Second, Threshold: 3},
		Stop:    Stop{Signal: defaultSignal, Keys: defaultKeys, Grace: 10 * time.Second},
		Reload:  Reload{Timeout: 30 * time.Second},
		Output:  Output{Stdout: "info", Stderr: "info", Full: "wait", MaxLine: 32 << 10},
		Hooks:   Hooks{Timeout: 30 * time.Second},
		Restart: Restart{Policy: "manager", Delay: time.Second, MaxDelay: time.Minute, Jitter: 0.1, ResetAfter: time.Minute, Max: 10},
	}
}
