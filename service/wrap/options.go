package wrap

import "time"

// Options is the table [wrap] of a configuration file.
type Options struct {
	Command   []string          `toml:"command" help:"the program and its arguments; no shell reads them"`
	Directory string            `toml:"directory" help:"where it runs, absolute; the service's state directory, if there is none"`
	Env       map[string]string `toml:"env" help:"variables of its environment, beside those of the service"`

	Ready   Ready          `toml:"ready"`
	Health  Health         `toml:"health"`
	Stop    Stop           `toml:"stop"`
	Reload  Reload         `toml:"reload"`
	Output  Output         `toml:"output"`
	Hooks   Hooks          `toml:"hooks"`
	Restart Restart        `toml:"restart"`
	Exit    map[string]int `toml:"exit" help:"what the service ends with when the command ends by itself: {\"3\" = 0, \"SIGSEGV\" = 70};\nof others: the same code, 128 and its number for a signal, and 1 for 75, 77 and 78, after which no manager starts a service again"`
}

// Ready says when the command is ready: when all holds that is set. Nothing is set: when it
// has been executed.
type Ready struct {
	TCP     string        `toml:"tcp" help:"HOST:PORT that takes a connection"`
	Unix    string        `toml:"unix" help:"path of a socket that takes a connection"`
	HTTP    string        `toml:"http" help:"URL that is answered with the status"`
	Status  int           `toml:"status" help:"of HTTP; 0: any from 200 to 399"`
	File    string        `toml:"file" help:"path that is there, and was not, or was another, before the start"`
	Log     string        `toml:"log" help:"regular expression (RE2) that a line of its output matches"`
	Command []string      `toml:"command" help:"a command that ends with 0"`
	Notify  bool          `toml:"notify" help:"it says so itself: READY=1 of sd_notify(3)"`
	Delay   time.Duration `toml:"delay" help:"it has lived for so long"`
	Timeout time.Duration `toml:"timeout" help:"of one attempt; start_timeout is that of all of them"`
	Mark    string        `toml:"mark" help:"path of a file that is there while the command is ready and well, for a probe that only looks for it"`
}

// Health says how the command is asked whether it is well. All that is set has to hold.
type Health struct {
	TCP       string        `toml:"tcp" help:"as in wrap.ready"`
	Unix      string        `toml:"unix" help:"as in wrap.ready"`
	HTTP      string        `toml:"http" help:"as in wrap.ready"`
	Status    int           `toml:"status" help:"as in wrap.ready"`
	File      string        `toml:"file" help:"path that is there"`
	Command   []string      `toml:"command" help:"a command that ends with 0"`
	Watchdog  time.Duration `toml:"watchdog" help:"longest time between two WATCHDOG=1 of its own; needs ready.notify"`
	Interval  time.Duration `toml:"interval" help:"between two rounds"`
	Timeout   time.Duration `toml:"timeout" help:"of one attempt"`
	Threshold int           `toml:"threshold" help:"rounds in a row that fail before it counts as unwell"`
	Tolerate  bool          `toml:"tolerate" help:"only tell that it is unwell, and do not end it for that"`
	Mark      string        `toml:"mark" help:"path of a file that is there from the command's start on, while it is well"`
}

// Stop is how the command is asked to end: by one of signal, command, HTTP and keys.
type Stop struct {
	Signal  string        `toml:"signal" help:"SIGTERM, SIGINT, ...; not on Windows"`
	Tree    bool          `toml:"tree" help:"the signal is for everybody it has started, too"`
	Command []string      `toml:"command" help:"instead of a signal"`
	HTTP    string        `toml:"http" help:"instead of a signal: a URL that gets a POST"`
	Keys    string        `toml:"keys" help:"on Windows, instead of a signal: ctrl-c, ctrl-break, close (WM_CLOSE to its windows), none"`
	Grace   time.Duration `toml:"grace" help:"until all that is left is killed; less than stop_timeout"`
}

// Reload is how the command takes a new configuration of its own: by a signal, a command or
// an HTTP call. Without any, a reload of the service is none of its business.
type Reload struct {
	Check   []string      `toml:"check" help:"a command that has to end with 0 before: it reads the new configuration"`
	Signal  string        `toml:"signal" help:"SIGHUP, SIGUSR1, ...; not on Windows"`
	Command []string      `toml:"command" help:"instead of a signal; how it ends is the outcome"`
	HTTP    string        `toml:"http" help:"instead of a signal: a URL that gets a POST; its status is the outcome"`
	Notify  bool          `toml:"notify" help:"the outcome is there when it says RELOADING=1 and then READY=1; needs ready.notify"`
	Timeout time.Duration `toml:"timeout" help:"of each of these; reload_timeout is that of all of them"`
}

// Output is what becomes of what the command says.
type Output struct {
	Stdout  string `toml:"stdout" help:"level of its lines: trace, debug, info, warn, error, off"`
	Stderr  string `toml:"stderr" help:"likewise"`
	Level   string `toml:"level" help:"regular expression (RE2) whose first group is the level that a line names"`
	JSON    bool   `toml:"json" help:"lines that are JSON objects become fields; level, msg and their like are understood"`
	ANSI    bool   `toml:"ansi" help:"keep colours and other escape sequences"`
	Full    string `toml:"full" help:"when the log does not take its lines in time: wait (the command does, too), drop (and count)"`
	MaxLine int    `toml:"max_line" help:"bytes of a line, which is continued in the next"`
}

// Hooks are commands around the command's life, one after the other.
type Hooks struct {
	BeforeStart [][]string    `toml:"before_start" help:"commands before it; one that fails keeps it from starting"`
	AfterReady  [][]string    `toml:"after_ready" help:"commands when it is ready; one that fails is told"`
	AfterStop   [][]string    `toml:"after_stop" help:"commands when all of it has ended, however it did; one that fails is told.\nThey have WRAP_EXIT_CODE or WRAP_SIGNAL"`
	Timeout     time.Duration `toml:"timeout" help:"of each"`
}

// Restart is who starts the command again when it has ended by itself.
type Restart struct {
	Policy     string        `toml:"policy" help:"manager: the service ends with it, and [service.restart] says what follows;\non-failure, always: we start it again, and the service goes on"`
	Delay      time.Duration `toml:"delay" help:"before the first restart"`
	MaxDelay   time.Duration `toml:"max_delay" help:"each is twice as long as the one before, up to that"`
	Jitter     float64       `toml:"jitter" help:"share of the delay by which it is longer or shorter at random, so that many do not start at once"`
	ResetAfter time.Duration `toml:"reset_after" help:"ready for so long, and the next is the first again"`
	Max        int           `toml:"max" help:"restarts in a row after which the service ends as with manager; -1: no limit"`
}

// Defaults are the options that hold where the table does not say otherwise.
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
