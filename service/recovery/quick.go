package recovery

import "time"

// Ready writes down that the run is ready, for [Record.Quick] of the next. It does not wait for
// the disk.
func (r *Record) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run.Exit != nil {
		return nil
	}
	r.run.Ready = time.Now()
	return r.write(false)
}

// Quick counts the runs in a row before this one, of which last is the one that ended at that
// time, that did not end in order and were not ready for as long as reset. It writes the
// number down, for the next run to go on from.
func (r *Record) Quick(last LastRun, ended time.Time, reset time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case last.Clean():
		return 0, nil
	case !last.Ready.IsZero() && ended.Sub(last.Ready) >= reset:
		r.run.Quick = 1
	default:
		r.run.Quick = last.Quick + 1
	}
	return r.run.Quick, r.write(false)
}
