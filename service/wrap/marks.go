package wrap

import (
	"errors"
	"io/fs"
	"os"
)

// mark creates or removes the files of ready.mark and health.mark, for probes that can only check
// whether a file exists. The caller holds p.mu.
func (p *Program) mark() {
	ready, well := p.condition()
	p.put(p.now.Ready.Mark, ready)
	p.put(p.now.Health.Mark, well)
}

// condition returns what probes learn about the command. The caller holds p.mu.
func (p *Program) condition() (ready, well bool) {
	well = p.unhealthy == nil && !p.stopping && p.child != nil && !p.child.hasEnded()
	return well && p.serving != nil, well
}

// unmark removes both files.
func (p *Program) unmark() {
	o := p.options()
	p.put(o.Ready.Mark, false)
	p.put(o.Health.Mark, false)
}

// put creates or removes a file. It writes nothing to a file that exists, because that may be a link or
// a FIFO.
func (p *Program) put(path string, there bool) {
	if path == "" {
		return
	}
	var err error
	if there {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil { //nolint:gosec // probes may run as another user
			err = f.Close()
		} else if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		p.rt.Slog().Warn("a mark file is wrong, so probes get a wrong answer", "want_it", there, "error", err)
	}
}
