package recovery

import "time"

// Ready records that the run is ready, for [Record.Quick] of the next one. It does not wait
// for the disk.
func (r *Record) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run.Exit != nil {
		return nil
	}
	r.run.Ready = time.Now()
	return r.write(false)
}

// Led records the token of the term for which the instance was elected among several machines.
func (r *Record) Led(token uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run.Exit != nil {
		return nil
	}
	r.run.Token = token
	return r.write(false)
}

// Quick returns the number of runs just before this one that did not end cleanly and were
// ready for less than reset. last is the latest of them, and ended at the given time. Quick
// records the number for the next run.
func (r *Record) Quick(last LastRun, ended time.Time, reset time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case last.inOrder():
		return 0, nil
	case !last.Ready.IsZero() && ended.Sub(last.Ready) >= reset:
		r.run.Quick = 1
	default:
		r.run.Quick = last.Quick + 1
	}
	return r.run.Quick, r.write(false)
}
