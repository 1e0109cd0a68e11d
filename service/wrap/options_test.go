package wrap_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/wrap"
)

// decode decodes a table as the service does.
func decode(t *testing.T, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := service.Config{Name: "x", File: path, Tables: []string{"wrap"}}.Load()
	if err != nil {
		return err
	}
	return service.CheckProgram(t.Context(), cfg, new(wrap.Program))
}

// Mistakes are found before anything starts, with the key.
func TestBadOptions(t *testing.T) {
	good := "[wrap]\ncommand = [" + quoted(os.Args[0]) + "]\n"
	if err := decode(t, good); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	if err := decode(t, "[service]\nstop_timeout = \"5s\"\n"+good); err != nil {
		t.Errorf("a stop_timeout below the default grace: %v", err)
	}
	for text, key := range map[string]string{
		"":                                          "command",
		"[wrap]\ncommand = []":                      "command",
		"[wrap]\ncommand = [\"\"]":                  "command",
		"[wrap]\ncommand = [\"/nowhere\"]":          "x.toml:2: wrap.command: ",
		good + "directory = \"x\"":                  "directory",
		good + "env = {\"A=B\" = \"x\"}":            "env",
		good + "probes = \"6400\"":                  "probes",
		good + "probes = \"127.0.0.1:\"":            "probes",
		good + "probes = \":0\"":                    "probes",
		good + "probes = \":65536\"":                "probes",
		good + "[wrap.ready]\ntcp = \"6400\"":       "ready.tcp",
		good + "[wrap.ready]\nunix = \"s\"":         "ready.unix",
		good + "[wrap.ready]\nhttp = \"ftp://x\"":   "ready.http",
		good + "[wrap.ready]\nlog = \"(\"":          "ready.log",
		good + "[wrap.ready]\nstatus = 200":         "ready.status",
		good + "[wrap.ready]\ndelay = 3":            "ready.delay",
		good + "[wrap.health]\nwatchdog = \"1s\"":   "health.watchdog",
		good + "[wrap.health]\nthreshold = 0":       "health.threshold",
		good + "[wrap.stop]\nsignal = \"SIGNAL\"":   "stop.signal",
		good + "[wrap.stop]\ngrace = \"0s\"":        "stop.grace",
		good + "[wrap.stop]\ngrace = \"50s\"":       "x.toml:4: wrap.stop.grace: 50s is not less than stop_timeout, 30s",
		good + "[wrap.stop]\nkeys = \"alt-f4\"":     "stop.keys",
		good + "[wrap.reload]\ncheck = [\"x\"]":     "reload",
		good + "[wrap.output]\nlevel = \"x\"":       "output.level",
		good + "[wrap.output]\nfull = \"explode\"":  "output.full",
		good + "[wrap.output]\nmax_line = 1":        "output.max_line",
		good + "[wrap.output]\nstdout = \"loud\"":   "output.stdout",
		good + "[wrap.hooks]\nafter_stop = [[]]":    "hooks.after_stop",
		good + "[wrap.restart]\npolicy = \"never\"": "restart.policy",
		good + "[wrap.restart]\njitter = 2.0":       "restart.jitter",
		good + "[wrap.exit]\nSIGNAL = 3":            "exit",
		good + "[wrap.exit]\n3 = 300":               "exit",
		good + "[wrap.redy]\ntcp = \"a:1\"":         "redy",
	} {
		err := decode(t, text)
		if err == nil || service.ExitCode(err) != 78 || !strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v, want one that names %s", text, err, key)
		}
	}
}

// Every default can be written in a file.
func TestDefaultsAreValid(t *testing.T) {
	o := wrap.Defaults()
	o.Command = []string{"go"}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

func TestNotices(t *testing.T) {
	for text, want := range map[string]wrap.Notice{
		"READY=1\nSTATUS=a=b\n":                   {Ready: true, Status: "a=b"},
		"READY=1\nRELOADING=1":                    {Ready: true},
		"RELOADING=1\nMONOTONIC_USEC=3":           {Reloading: true},
		"STOPPING=1\nREADY=1":                     {Stopping: true},
		"READY=0\nnothing\n=\n\x00":               {},
		"EXTEND_TIMEOUT_USEC=5000000":             {Extend: 5 * time.Second},
		"EXTEND_TIMEOUT_USEC=-1":                  {},
		"EXTEND_TIMEOUT_USEC=9999999999999999999": {},
		"WATCHDOG=1\nWATCHDOG_USEC=2000000":       {Alive: true, Watchdog: 2 * time.Second},
		"WATCHDOG=trigger":                        {Dead: true},
		"NOTIFYACCESS=all\nMAINPID=7":             {Refused: []string{"NOTIFYACCESS=all", "MAINPID=7"}},
		"FDSTORE=1\nFDNAME=x\nFDNAME=y\nFDPOLL=0": {Store: true, Name: "x", Unwatched: true},
		"FDSTOREREMOVE=1\nFDNAME=x":               {Forget: true, Name: "x"},
		"FDSTORE=0\nFDPOLL=1":                     {},
		"ERRNO=2":                                 {Errno: "ERRNO=2"},
	} {
		if got := wrap.ParseNotice(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestDelays(t *testing.T) {
	r := wrap.Restart{Delay: time.Second, MaxDelay: 10 * time.Second, Jitter: 0.5}
	for tries, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		if got := r.Wait(tries, 0.5); got != want {
			t.Errorf("after %d tries %v, want %v", tries, got, want)
		}
	}
	if least, most := r.Wait(0, 0), r.Wait(0, 1); least != time.Second/2 || most != 3*time.Second/2 {
		t.Errorf("by chance from %v to %v", least, most)
	}
	if got := (wrap.Restart{Delay: time.Minute, MaxDelay: time.Second}).Wait(5, 0.5); got != time.Minute {
		t.Errorf("a first delay that is longer than the longest: %v", got)
	}
	r.Jitter = 0
	if got := r.Wait(1<<20, 0); got != 10*time.Second {
		t.Errorf("after very many tries %v", got)
	}
}

func TestForeground(t *testing.T) {
	for program, want := range map[string]string{
		"/usr/sbin/nginx": "daemon off", "/usr/bin/redis-server": "--daemonize no", "/usr/sbin/apache2": "-D FOREGROUND", "/usr/sbin/httpd": "-D FOREGROUND",
		"/usr/sbin/sshd": "-D", "/usr/sbin/haproxy": "-db", "/usr/bin/memcached": "without -d", "/usr/sbin/mysqld": "without --daemonize", `mysqld.exe`: "without --daemonize",
		"/usr/sbin/mariadbd": "without --daemonize", "/usr/lib/postgresql/17/bin/pg_ctl": "postgres -D", "/usr/lib/postgresql/17/bin/postgres": "directly",
		"/usr/bin/pg_ctlcluster": "--foreground", "php-fpm8.4": "-F", "/opt/own": "--nodaemon",
	} {
		if got := wrap.Foreground(program); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not name %q", program, got, want)
		}
	}
}

// A reload refuses exactly the keys that need a restart.
func TestNeedsRestart(t *testing.T) {
	for key, want := range map[string]bool{
		"wrap.command": true, "wrap.env.A": true, "wrap.output.json": true, "wrap.ready.notify": true, "wrap.health.watchdog": true,
		"wrap.ready.tcp": false, "wrap.stop.grace": false, "wrap.exit.3": false, "wrap.health.http": false,
	} {
		if got := new(wrap.Program).NeedsRestart(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
