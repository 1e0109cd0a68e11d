package runner

import (
	"context"
	"sync"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A register lists the open runs of each job: waiting, or in progress in this process or at a
// worker. It only says where to look; the journal decides.
type register struct {
	mu     sync.Mutex
	open   map[string]map[uint64]bool // by job and run: whether it is in progress
	cancel map[uint64]context.CancelCauseFunc
}

func newRegister() *register {
	return &register{open: map[string]map[uint64]bool{}, cancel: map[uint64]context.CancelCauseFunc{}}
}

// set adds a run, and removes the run that it replaces.
func (r *register) set(e journal.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	runs := r.open[e.Kind]
	if runs == nil {
		runs = map[uint64]bool{}
		r.open[e.Kind] = runs
	}
	delete(runs, e.RerunOf)
	runs[e.ID] = e.State == journal.Begun
}

func (r *register) remove(job string, id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open[job], id)
}

// runs returns the runs of a job that may be open.
func (r *register) runs(job string) (all []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.open[job] {
		all = append(all, id)
	}
	return all
}

// jobs returns the jobs that may have open runs.
func (r *register) jobs() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.open {
		all = append(all, name)
	}
	return all
}

// underWay reports whether a run of the job is in progress.
func (r *register) underWay(job string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, begun := range r.open[job] {
		if begun {
			return true
		}
	}
	return false
}

// here notes that a run is in progress in this process, and how to end it.
func (r *register) here(id uint64, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancel[id] = cancel
}

func (r *register) notHere(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cancel, id)
}

// end ends a run in this process, and reports whether there is one.
func (r *register) end(id uint64, why error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	cancel := r.cancel[id]
	if cancel != nil {
		cancel(why)
	}
	return cancel != nil
}

// busy returns an open run of a job, or 0 if there is none.
func (p *primary) busy(job string) (open uint64) {
	for _, id := range p.register.runs(job) {
		if p.refresh(job, id) {
			open = id
		}
	}
	return open
}

// refresh reads a run from the journal, and reports whether it is open. An interrupted run
// continues under another number.
func (p *primary) refresh(job string, id uint64) bool {
	e, err := p.journal.Show(id)
	for err == nil && e.State == journal.Rerun {
		e, err = p.journal.Show(e.RerunAs)
	}
	if err == nil && e.ID != id {
		p.register.remove(job, id)
		p.register.set(e)
	}
	switch {
	case err != nil:
	case e.State == journal.Queued, e.State == journal.Begun, e.State == journal.Interrupted && e.Rerun:
		return true
	}
	p.register.remove(job, e.ID)
	p.register.remove(job, id)
	return false
}

// refreshAll makes Next look again at runs that wait for others which may have ended
// elsewhere.
func (p *primary) refreshAll() {
	for _, job := range p.register.jobs() {
		if p.exclusive(job) {
			p.busy(job)
		}
	}
	p.journal.Wake()
}

// exclusive reports whether a job has only one run at a time.
func (p *primary) exclusive(job string) bool {
	j, ok := p.config().find(job)
	return ok && j.Overlap != overlapAllow && j.Overlap != ""
}

// hold reports whether a run has to wait for another run of its job.
func (p *primary) hold(e journal.Entry) bool {
	return p.exclusive(e.Kind) && p.register.underWay(e.Kind)
}
