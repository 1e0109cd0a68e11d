package journal

import (
	"bytes"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// sayEvery is the minimum time between two summaries.
const sayEvery = 2 * time.Second

// summarize writes a summary for `status` if it may have changed. Counting reads every entry,
// so it is limited to a hundredth of the time, unless now is set.
func (j *Journal) summarize(now bool) error {
	if !j.unsaid.Load() || !now && time.Since(j.said) < max(sayEvery, 100*j.counting) {
		return nil
	}
	j.unsaid.Store(false)
	begun := time.Now()
	w, err := j.summary()
	j.said = time.Now()
	j.counting = j.said.Sub(begun)
	if err == nil {
		err = recovery.WriteWork(j.path, w)
	}
	if errors.Is(err, ErrSuperseded) { // the later run writes the summary
		err = nil
	}
	return err
}

func (j *Journal) summary() (recovery.Work, error) {
	w := recovery.Work{Term: j.term, At: time.Now()}
	if j.operator {
		w.Term = 0
	}
	if j.refused != nil {
		w.Refused = j.refused.Error()
		if errors.Is(j.refused, ErrSuperseded) {
			return w, j.refused
		}
		return w, nil
	}
	if b, ok := j.store.(*bolt); ok {
		if err := b.Superseded(); err != nil {
			return w, err
		}
	}
	counts := map[State]*int{Begun: &w.Begun, Queued: &w.Queued, SetAside: &w.SetAside, Interrupted: &w.Interrupted}
	err := j.store.View(func(tx Tx) error {
		if term, err := getNumber(tx, metaTerm); err != nil || term != j.term {
			return errors.Join(err, ErrSuperseded)
		}
		for bucket, states := range map[string][]State{bucketOpen: {Begun, Queued, SetAside}, bucketDone: {Interrupted}} {
			err := tx.Ascend(bucket, nil, func(_, v []byte) bool {
				for _, s := range states {
					// Nothing else in an entry's JSON can look like this, and decoding is slow.
					if bytes.Contains(v, []byte(`"state":"`+string(s)+`"`)) {
						*counts[s]++
						break
					}
				}
				return true
			})
			if err != nil {
				return err
			}
		}
		return tx.Ascend(bucketDamaged, nil, func(_, _ []byte) bool { w.Damaged++; return true })
	})
	return w, err
}
