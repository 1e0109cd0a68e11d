package wrap

import (
	"errors"
	"io/fs"
	"os"
)

// mark has the files of ready.mark and health.mark say how the command is: for whoever can only look
// whether a file is there. p.mu is held.
func (p *Program) mark() {
	well := p.unwell == nil && !p.stopping && p.child != nil
	p.put(p.now.Ready.Mark, well && p.serving != nil)
	p.put(p.now.Health.Mark, well)
}

// unmark removes them.
func (p *Program) unmark() {
	o := p.options()
	p.put(o.Ready.Mark, false)
	p.put(o.Health.Mark, false)
}

// put has a file be there, or not.
func (p *Program) put(path string, there bool) {
	if path == "" {
		return
	}
	var err error
	if there {
		err = os.WriteFile(path, nil, 0o644) //nolint:gosec // somebody else is to see it
	} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		p.rt.Slog().Warn("who looks for the file is told something else than what is so", "there", there, "error", err)
	}
}
