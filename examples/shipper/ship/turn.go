package ship

import "context"

// stage is a point of a turn at which a crash is interesting.
type stage string

const (
	stageAppended stage = "output synced, checkpoint old"
	stageSaved    stage = "checkpoint saved"
)

// Turn ships a bounded piece of what there is, and makes it durable. More says
// that there is more already. After an error nothing is lost or shipped twice:
// call it again when the cause may have gone.
func (s *Shipper) Turn() (more bool, err error) {
	_, more, err = s.turn()
	return more, err
}

func (s *Shipper) turn() (consumed int64, more bool, err error) {
	changed, err := s.out.settle()
	if err != nil {
		return 0, false, err
	}
	// The checkpoint knows the output as it is before anything is appended.
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

// commit makes what gather collected part of the output, and then of the
// checkpoint: never the other way round.
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
			// Or a power cut could make it shorter than its mark, and it would be
			// read anew. Where a file open for reading cannot be synced, it may.
			_ = f.file.Sync()
			f.done = f.position
		}
	}
	if !s.unsaved {
		return nil
	}
	return s.save()
}

// rollBack forgets what was read and could not be written.
func (s *Shipper) rollBack() {
	s.batch, s.lines = s.batch[:0], 0
	for _, f := range s.files {
		f.position, f.seen = f.done, unseen
	}
}

// ShipRest ships what is there now, though not all that is added meanwhile, and
// writes the last checkpoint. If ctx ends first, the rest is left to the next
// run, which is no error.
func (s *Shipper) ShipRest(ctx context.Context) error {
	left := int64(unseen) // until the first turn has found all files
	for more := true; more && left != 0; {
		if ctx.Err() != nil {
			s.log.Info("what is not shipped yet is left to the next run")
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
