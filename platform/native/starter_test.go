package native_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/native"
)

func TestStarter(t *testing.T) {
	self, parent := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for value, want := range map[string]string{
		"sysv " + self:   "sysv",
		"sysv " + parent: "sysv", // started by a supervisor
		"sysv 1":         "",     // inherited from another process
		"sysv":           "",
		"sysv x":         "",
		"":               "",
	} {
		t.Setenv(native.StarterVariable, value)
		if got := native.Starter(); got != want || os.Getenv(native.StarterVariable) != value {
			t.Errorf("%q: got %q, want %q, and %q is left", value, got, want, os.Getenv(native.StarterVariable))
		}
		if got := native.TakeStarter(); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
		if _, left := os.LookupEnv(native.StarterVariable); left {
			t.Error("it is left to children")
		}
	}
}

// Starter returns the same name as the Host, and does not change the environment.
func TestStarterOfAManager(t *testing.T) {
	self, parent := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"SYSTEMD_EXEC_PID": self}, "systemd"},
		{map[string]string{"SYSTEMD_EXEC_PID": "1"}, ""}, // inherited
		{map[string]string{"SYSTEMD_EXEC_PID": "1", "NOTIFY_SOCKET": "/run/x", "MANAGERPID": parent}, ""},
		{map[string]string{"NOTIFY_SOCKET": "/run/x", "MANAGERPID": parent}, "systemd"}, // before systemd 248
		{map[string]string{"NOTIFY_SOCKET": "/run/x", "MANAGERPID": "4242"}, ""},
		{map[string]string{"MANAGERPID": parent}, ""},
		{map[string]string{"HOLDFAST_LAUNCHD": "always"}, "launchd"},
		{map[string]string{"XPC_SERVICE_NAME": "0"}, ""},
		{nil, ""},
	} {
		for _, name := range []string{"SYSTEMD_EXEC_PID", "NOTIFY_SOCKET", "MANAGERPID", "HOLDFAST_LAUNCHD", "XPC_SERVICE_NAME", native.StarterVariable} {
			t.Setenv(name, tt.env[name])
			if _, there := tt.env[name]; !there {
				_ = os.Unsetenv(name)
			}
		}
		got := native.Starter()
		for name, value := range tt.env {
			if os.Getenv(name) != value {
				t.Errorf("%v: %s was taken", tt.env, name)
			}
		}
		if want := tt.want; got != want && (want != "" || os.Getppid() != 1) {
			t.Errorf("%v: got %q, want %q", tt.env, got, want)
		}
	}
}

func TestEndedIsNoDescriptor(t *testing.T) {
	for _, value := range []string{"", "x", "-1", "0", "2"} {
		t.Setenv(native.EndedVariable, value)
		if f := native.TakeEnded(); f != nil {
			t.Errorf("%q: got descriptor %d", value, f.Fd())
		}
	}
}

// Only the child of a supervisor may claim what the supervisor passes.
func TestClaimFiles(t *testing.T) {
	self, parent := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for _, tt := range []struct{ starter, pid, want string }{
		{"sysv " + parent, parent, self},
		{"sysv " + self, self, self},
		{"", parent, parent},               // of a shell that systemd has given them to
		{"sysv 1 ", parent, parent},        // inherited
		{"sysv " + parent, "4242", "4242"}, // of somebody else
	} {
		t.Setenv(native.StarterVariable, tt.starter)
		t.Setenv("LISTEN_PID", tt.pid)
		if native.ClaimFiles(); os.Getenv("LISTEN_PID") != tt.want {
			t.Errorf("%+v: LISTEN_PID is %s", tt, os.Getenv("LISTEN_PID"))
		}
	}
}
