package logsink_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVar = "LOGSINK_TEST_ROLE"

// child returns a command that runs this test again, in a process that plays a part of it.
func child(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(exe, "-test.run=^"+test+"$", "-test.timeout="+wait.Limit.String())
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+test, "GORACE=atexit_sleep_ms=0")...)
	return cmd
}

func isChild(t *testing.T) bool { return os.Getenv(roleVar) == t.Name() }

// sayHello is everything that most children do.
func sayHello(o logsink.Options) {
	s, err := logsink.Open("feedd", o)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Logger().Info("hello", "user-id", 7)
	_ = s.Close()
	os.Exit(0)
}

// If standard error is the stream in JOURNAL_STREAM, lines go to the journal. There is none
// here, so the prefix "<6>" shows that they were meant for it.
func TestJournalStream(t *testing.T) {
	if isChild(t) {
		sayHello(logsink.Options{})
	}
	if _, err := os.Stat("/run/systemd/journal/socket"); err == nil {
		t.Skip("this machine has a journal, which would take the line")
	}
	for name, c := range map[string]struct {
		value     func(dev, ino uint64) string
		inJournal bool
	}{
		"ours":         {func(dev, ino uint64) string { return fmt.Sprintf("%d:%d", dev, ino) }, true},
		"other inode":  {func(dev, ino uint64) string { return fmt.Sprintf("%d:%d", dev, ino+1) }, false},
		"other device": {func(dev, ino uint64) string { return fmt.Sprintf("%d:%d", dev+1, ino) }, false},
		"none":         {func(uint64, uint64) string { return "" }, false},
		"junk":         {func(uint64, uint64) string { return "junk" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(t.TempDir() + "/stderr")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var st syscall.Stat_t
			if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
				t.Fatal(err)
			}
			cmd := child(t, "JOURNAL_STREAM="+c.value(st.Dev, st.Ino))
			cmd.Stderr = f
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			got := read(t, f.Name())
			if c.inJournal && got != "<6>hello: user-id=7\n" {
				t.Errorf("in the journal, but: %q", got)
			}
			if !c.inJournal && !strings.Contains(got, " [INFO]  hello: user-id=7\n") {
				t.Errorf("not in the journal, but: %q", got)
			}
		})
	}
}

// If the reader of standard error ends, the service continues.
func TestStderrWithoutReader(t *testing.T) {
	if isChild(t) {
		sayHello(logsink.Options{Sink: "stderr"})
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_ = r.Close()
	cmd := child(t)
	cmd.Stderr = w
	if err := cmd.Run(); err != nil {
		t.Errorf("died of logging: %v", err)
	}
}

func TestColourOnATerminal(t *testing.T) {
	if isChild(t) {
		sayHello(logsink.Options{})
	}
	for name, c := range map[string]struct {
		env    string
		colour bool
	}{
		"terminal":       {"TERM=xterm", true},
		"NO_COLOR":       {"NO_COLOR=1", false},
		"NO_COLOR empty": {"NO_COLOR=", true},
		"dumb":           {"TERM=dumb", false},
	} {
		t.Run(name, func(t *testing.T) {
			master, slave := terminal(t)
			cmd := child(t, "NO_COLOR=", "TERM=xterm", c.env, "JOURNAL_STREAM=")
			cmd.Stderr = slave
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 4096) // the line waits in the terminal
			n, err := master.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			want := " [INFO]  hello: user-id=7\r\n"
			if c.colour {
				want = " \x1b[94m[INFO]  \x1b[0mhello: \x1b[2;1muser-id\x1b[0m\x1b[2m=\x1b[0m7\r\n"
			}
			if got := string(buf[:n]); !strings.HasSuffix(got, want) {
				t.Errorf("got %q, want ... %q", got, want)
			}
		})
	}
}

func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// The path of the journal's socket is fixed, so the child gets a /run of its own and plays
// journald there. The test checks what the library really sends.
func TestJournalSocket(t *testing.T) {
	if isChild(t) {
		if err := playJournald(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	cmd := child(t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Fatalf("%v\n%s", err, out)
	case err != nil:
		t.Skipf("no mount namespace: %v", err)
	}
}

func playJournald() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/systemd/journal", 0o700); err != nil {
		return err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/run/systemd/journal/socket", Net: "unixgram"})
	if err != nil {
		return err
	}
	s, err := logsink.Open("feedd", logsink.Options{Sink: "journald"})
	if err != nil {
		return err
	}
	large := strings.Repeat("0123456789\n", 50_000) // more than a datagram takes
	for _, c := range []struct {
		value string
		file  bool
	}{{"two\nlines", false}, {large, true}} {
		s.Logger().Named("http").Error("hello", "some-key", c.value)
		fields, asFile, err := receiveEntry(conn)
		if err != nil {
			return err
		}
		for k, want := range map[string]string{
			"PRIORITY": "3", "SYSLOG_IDENTIFIER": "feedd", "LOGGER": "http", "SOME_KEY": c.value,
		} {
			if fields[k] != want {
				return fmt.Errorf("%s=%.100q, want %.100q", k, fields[k], want)
			}
		}
		if !strings.HasPrefix(fields["MESSAGE"], "http: hello:\n  some-key=\n  | ") || len(fields) != 5 || asFile != c.file {
			return fmt.Errorf("%d fields, as a file: %v, message %.100q", len(fields), asFile, fields["MESSAGE"])
		}
	}
	return nil
}

// receiveEntry reads the native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
func receiveEntry(conn *net.UnixConn) (fields map[string]string, asFile bool, err error) {
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
	data, oob := make([]byte, 1<<20), make([]byte, 1<<10)
	n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
	if err != nil {
		return nil, false, err
	}
	data = data[:n]
	if oobn > 0 {
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return nil, false, err
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil {
			return nil, false, err
		}
		f := os.NewFile(uintptr(fds[0]), "entry")
		defer f.Close()
		if data, err = io.ReadAll(io.NewSectionReader(f, 0, 1<<30)); err != nil {
			return nil, false, err
		}
	}
	fields = map[string]string{}
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		key, value, simple := strings.Cut(string(line), "=")
		if !simple {
			size := binary.LittleEndian.Uint64(rest)
			value, rest = string(rest[8:8+size]), rest[8+size+1:]
		}
		if _, twice := fields[key]; twice {
			return nil, false, fmt.Errorf("%s came twice", key)
		}
		fields[key], data = value, rest
	}
	return fields, oobn > 0, nil
}
