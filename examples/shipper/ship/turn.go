package ship

import "context"

// A stage is a point of a turn at which tests simulate a crash.
type stage string

const (
	stageAppended stage = "output synced, checkpoint old"
	stageSaved    stage = "checkpoint saved"
)

// Turn ships a bounded amount of what there is, durably. more says that more can be shipped at
// once. After an error nothing is lost or shipped twice: call Turn again when the cause may be
// gone.
func (s *Shipper) Turn() (more bool, err error) {
	_, more, err = s.turn()
	return more, err
}

func (s *Shipper) turn() (consumed int64, more bool, err error) {
	changed, err := s.out.settle()
	if err != nil {
		return 0, false, err
	}
	// The checkpoint must describe the output before anything is appended to it.
	if s.unsaved = s.unsaved || changed; s.unsaved {
		if err := s.save(); err != nil {
			return 0, false, err
		}
	}
	s.discover()
	consumed, more = s.gather()
	if err := s.commit(); err != nil {
		return 0, false, err
	}
	s.sweep()
	return consumed, more, nil
}

// commit adds what gather has collected to the output first, and then to the checkpoint.
func (s *Shipper) commit() error {
	if len(s.batch) > 0 {
		if err := s.out.append(s.batch); err != nil {
			s.rollBack()
			return err
		}
		s.reached(stageAppended)
	}
	s.stats.Lines += s.lines
	s.batch, s.lines = s.batch[:0], 0
	for _, f := range s.files {
		if f.position != f.done {
			// Otherwise a power cut could make the file shorter than its mark, and it would
			// be read from the start. On systems that sync only writable files, that can happen.
			_ = f.file.Sync()
			f.done = f.position
		}
	}
	if !s.unsaved {
		return nil
	}
	return s.save()
}

// rollBack forgets what was read but could not be written.
func (s *Shipper) rollBack() {
	s.batch, s.lines = s.batch[:0], 0
	for _, f := range s.files {
		f.position, f.seen = f.done, unseen
	}
}

// ShipRest ships what there is now, but not everything that is added meanwhile, and saves the
// last checkpoint. If ctx ends first, the rest is left to the next run, and that is no error.
func (s *Shipper) ShipRest(ctx context.Context) error {
	left := int64(unseen) // until the first turn has discovered all files
	for more := true; more && left != 0; {
		if ctx.Err() != nil {
			s.log.Info("the next run ships the rest")
			break
		}
		consumed, again, err := s.turn()
		if err != nil {
			return err
		}
		if left == unseen {
			left = s.backlog()
		} else {
			left = max(left-consumed, 0)
		}
		more = again
	}
	if s.unsaved {
		return s.save()
	}
	return nil
}
