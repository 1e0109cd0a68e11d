package wrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/service/internal/handover"
)

// storeWithin limits how long the manager may take to read that it has to keep a descriptor, or
// to let go of one.
const storeWithin = 10 * time.Second

func withinStore() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.Background(), storeWithin, fmt.Errorf("not within %v", storeWithin))
}

// keep stores and removes descriptors as the command asks by FDSTORE=1 and FDSTOREREMOVE=1 of
// sd_notify(3).
func (p *Program) keep(n notice) {
	if !n.store && !n.forget {
		return
	}
	ctx, cancel := withinStore()
	defer cancel()
	if n.forget { // like systemd if the message has both
		p.kept.Forget(ctx, n.name)
		return
	}
	for _, fd := range n.files {
		if err := p.kept.Keep(ctx, n.name, fd, !n.unwatched); err != nil {
			p.rt.Slog().Warn("a descriptor of the command is not kept", "name", n.name, "error", err)
		}
	}
}

// handOver passes to cmd the descriptors that earlier lives of the command have stored, as
// sd_listen_fds(3) describes. The caller closes the files once cmd has started.
func (p *Program) handOver(cmd *exec.Cmd) (files []*os.File) {
	if p.notify == nil { // it cannot store anything
		return nil
	}
	ctx, cancel := withinStore()
	defer cancel()
	files = p.kept.Pass(ctx)
	if len(files) == 0 {
		return nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name()
	}
	cmd.ExtraFiles = files // from 3 on
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.Args = append([]string{handover.Name, cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe" // proc_pid_exe(5): this very program, even if its file was replaced
	return files
}
