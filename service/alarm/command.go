package alarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

const (
	// maxOutput limits the output of a command that is kept, in bytes.
	maxOutput = 4 << 10
	// outputPatience limits the wait for the output of a command that has ended. A process
	// that has left the group may still hold the pipe.
	outputPatience = time.Second
)

// Environment returns the environment of the command for e: a few variables of this process
// that programs cannot do without, and those with the prefix HOLDFAST_ALARM_.
func Environment(e Event) []string {
	var env []string
	for _, name := range kept() {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if os.Getenv("PATH") == "" && defaultPath != "" {
		env = append(env, "PATH="+defaultPath)
	}
	for _, v := range [][2]string{
		{"ID", e.ID},
		{"KIND", string(e.Kind)},
		{"SUBJECT", e.Subject},
		{"TEXT", e.Text},
		{"COUNT", strconv.Itoa(e.Count)},
		{"FIRST", e.First.Format(time.RFC3339)},
		{"LAST", e.Last.Format(time.RFC3339)},
		{"SERVICE", e.Service},
		{"HOST", e.Host},
		{"VERSION", e.Version},
	} {
		env = append(env, "HOLDFAST_ALARM_"+v[0]+"="+v[1])
	}
	return env
}

// runCommand runs the command with e. It returns when nothing of the command's group is left.
// The end of ctx kills the group.
func runCommand(ctx context.Context, c Config, e Event, log *slog.Logger) error {
	if err := trusted(c.Command[0]); err != nil {
		return err
	}
	out := &output{}
	cmd := exec.Command(c.Command[0], c.Command[1:]...) //nolint:gosec,noctx // the configuration names it; runGroup kills the whole group, not only the command
	cmd.Env, cmd.Dir = Environment(e), string(os.PathSeparator)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(e.message()), out, out
	cmd.WaitDelay = outputPatience
	err := runGroup(ctx, cmd)
	if text := out.text(); text != "" {
		log.Info("the alarm's command says", "id", e.ID, "output", text)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fmt.Errorf("%s %w", c.Command[0], cause)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Command[0], err)
	}
	return nil
}

// runGroup runs cmd in a group of its own, and kills what is left of the group when cmd has
// ended.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		// The thread is never unlocked, so it ends with this goroutine. Its settings are
		// for the command alone. On Linux the end of the thread, or of the process, kills it.
		runtime.LockOSThread()
		if onFirstThread() { // this goroutine holds that thread, so the next one gets another
			done <- runGroup(ctx, cmd)
			runtime.UnlockOSThread()
			return
		}
		g, err := startGroup(cmd)
		if err != nil {
			done <- err
			return
		}
		ended, killed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(killed)
			select {
			case <-ctx.Done():
				g.kill()
			case <-ended:
			}
		}()
		err = g.wait(cmd, func() {
			close(ended)
			<-killed
			g.kill()
		})
		if errors.Is(err, exec.ErrWaitDelay) { // the command succeeded; the process that holds its output is not in the group
			err = nil
		}
		done <- err
	}()
	return <-done
}

// trusted refuses a command that would run as root if others could have changed it.
func trusted(path string) error {
	if !privileged() {
		return nil
	}
	if who := files.Writers(path, false); who != "" {
		return fmt.Errorf("%s: %w: it would run with the rights of this service, and %s", path, files.ErrUntrusted, who)
	}
	return nil
}

// output keeps the beginning of what is written. It accepts the rest, too, so that no writer
// blocks on a full pipe.
type output struct {
	mu   sync.Mutex
	kept []byte
	more int
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(b), maxOutput-len(o.kept))
	o.kept = append(o.kept, b[:n]...)
	o.more += len(b) - n
	return len(b), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := strings.TrimSpace(plain(string(o.kept), 2*maxOutput))
	if o.more > 0 {
		text += fmt.Sprintf(" (and %d bytes more)", o.more)
	}
	return text
}
