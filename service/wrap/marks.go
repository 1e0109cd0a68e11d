package wrap

import (
	"errors"
	"io/fs"
	"os"
)

// mark has the files of ready.mark and health.mark say how the command is: for whoever can only look
// whether a file is there. p.mu is held.
func (p *Program) mark() {
	well := p.unwell == nil && !p.stopping && p.child != nil && !p.child.hasEnded()
	p.put(p.now.Ready.Mark, well && p.serving != nil)
	p.put(p.now.Health.Mark, well)
}

// unmark removes them.
func (p *Program) unmark() {
	o := p.options()
	p.put(o.Ready.Mark, false)
	p.put(o.Health.Mark, false)
}

// put has a file be there, or not. Nothing is written to what is there already: it may be a link, or a FIFO.
func (p *Program) put(path string, there bool) {
	if path == "" {
		return
	}
	var err error
	if there {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil { //nolint:gosec // somebody else is to see it
			err = f.Close()
		} else if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		p.rt.Slog().Warn("a probe that looks for the mark file gets a wrong answer", "there", there, "error", err)
	}
}
