package behaviour_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// TestBehaviourOnMacOS plays the scripts against the launchd of this machine. It installs and
// removes services called shipper, and creates users. So it runs only as root, and only with
// HOLDFAST_MACOS=behaviour. It shows where test/launchdsim is wrong.
//
// The user of user_scope.txtar is the one who called sudo, and who has a launchd. Apple does
// not say whether a user who has never logged in has one.
func TestBehaviourOnMacOS(t *testing.T) {
	if os.Getenv("HOLDFAST_MACOS") != "behaviour" || os.Getuid() != 0 {
		t.Skip("it changes this machine: sudo env HOLDFAST_MACOS=behaviour go test ./test/behaviour")
	}
	m := mac{tools: t.TempDir(), tester: os.Getenv("SUDO_USER")}
	if m.tester == "" || m.tester == "root" {
		m.tester = "tester"
	}
	for name, text := range tools {
		if err := os.WriteFile(filepath.Join(m.tools, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(m.tools, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := m.Put(build(t, "./examples/shipper"), "/usr/local/bin/shipper", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove("/usr/local/bin/shipper") })
	scripts(t, m)
}

// mac is this machine.
type mac struct {
	tools  string // what the scripts use and macOS does not have
	tester string // the user who has a service of his own
}

func (m mac) Tester() string { return m.tester }

func (m mac) Kind() bed.Kind { return bed.Kind{Name: "macos", Manager: "launchd"} }

// The scripts name the directories of Linux.
var (
	runtimeDir = regexp.MustCompile(`/run/(shipper(@\w+)?)`)
	stateDir   = regexp.MustCompile(`/var/lib/(shipper(@\w+)?)`)
)

func (m mac) local(text string) string {
	// The system itself writes everywhere in the others.
	text = strings.ReplaceAll(text, "find /etc /run /var/lib /var/log /home -xdev", "find /etc/ /Library/LaunchDaemons /var/db/ /var/log/ -name '*shipper*'")
	home := "/Users/" + m.tester + "/Library/"
	text = strings.ReplaceAll(text, "find /home/tester /run/user", `find "`+home+`LaunchAgents" "`+home+`Logs" "`+home+`Application Support" -maxdepth 2`)
	return stateDir.ReplaceAllString(runtimeDir.ReplaceAllString(text, "/var/db/$1/run"), "/var/db/$1")
}

func (m mac) Run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error) {
	for i := range argv {
		argv[i] = m.local(argv[i])
	}
	path := "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:" + m.tools
	if argv[0] != "sudo" {
		argv = append([]string{"/usr/bin/env", "-i", path, "HOME=/var/root"}, argv...)
	} else {
		argv = append([]string{"sudo", "-H", "-u", argv[1], "/usr/bin/env", path}, argv[2:]...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		return out.String(), errs.String(), exit.ExitCode(), nil
	case errors.Is(err, exec.ErrWaitDelay): // a daemon has the output still
		return out.String(), errs.String(), 0, nil
	case err != nil:
		return out.String(), errs.String(), -1, err
	}
	return out.String(), errs.String(), 0, nil
}

func (m mac) RunAs(ctx context.Context, user string, argv ...string) (stdout, stderr string, code int, err error) {
	if user == "" {
		return m.Run(ctx, argv...)
	}
	return m.Run(ctx, append([]string{"sudo", user}, argv...)...)
}

func (m mac) Put(hostPath, path string, mode fs.FileMode) error {
	content, err := os.ReadFile(hostPath)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".toml") {
		content = []byte(m.local(string(content)))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	_ = os.Remove(path) // a program that runs must not be written over
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func (m mac) AddUser(ctx context.Context, name string) (int, error) {
	const script = `id "$0" >/dev/null 2>&1 || useradd -m "$0"`
	if _, stderr, code, err := m.Run(ctx, "/bin/sh", "-c", script, name); err != nil || code != 0 {
		return 0, errors.Join(err, errors.New(stderr))
	}
	out, _, _, err := m.Run(ctx, "id", "-u", name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

func (m mac) Reboot(context.Context) error { return errors.ErrUnsupported }

var tools = map[string]string{
	"pidof": "#!/bin/sh\nexec pgrep -x \"$1\"\n",
	"setsid": `#!/usr/bin/perl
use POSIX;
exit 0 if fork;
POSIX::setsid();
exec @ARGV or die "$!";
`,
	"timeout": `#!/usr/bin/perl
alarm shift;
exec @ARGV or die "$!";
`,
	"useradd": `#!/bin/sh
for name; do :; done # the last argument
uid=$(dscl . -list /Users UniqueID | awk '{ if ($2 > m) m = $2 } END { print m + 1 }')
dscl . -create "/Users/$name"
dscl . -create "/Users/$name" UserShell /bin/sh
dscl . -create "/Users/$name" UniqueID "$uid"
dscl . -create "/Users/$name" PrimaryGroupID 20
dscl . -create "/Users/$name" NFSHomeDirectory "/Users/$name"
mkdir -p "/Users/$name" && chown "$name:staff" "/Users/$name"
`,
}
