package ship

import (
	"os"
	"time"
)

// Hooks change the behaviour of a Shipper in tests.
type Hooks struct {
	MaxLine int
	Now     func() time.Time
	Reached func(Stage)
}

type Stage = stage

const (
	Appended = stageAppended
	Saved    = stageSaved
)

func OpenWith(o Options, h Hooks) (*Shipper, error) {
	return open(o, func(s *Shipper) {
		if h.MaxLine > 0 {
			s.maxLine = h.MaxLine
		}
		if h.Now != nil {
			s.now = h.Now
		}
		if h.Reached != nil {
			s.reached = h.Reached
		}
	})
}

// BreakOutput makes every write to the output fail until repair is called.
func (s *Shipper) BreakOutput() (repair func(), err error) {
	whole := s.out.file
	s.out.file, err = os.Open(s.out.path)
	return func() { _ = s.out.file.Close(); s.out.file = whole }, err
}

// BreakInputs makes every read of the inputs fail.
func (s *Shipper) BreakInputs() {
	for _, f := range s.files {
		_ = f.file.Close()
	}
}

// Followed returns the number of open files, without the output.
func (s *Shipper) Followed() int { return len(s.files) }

const (
	TurnBytes   = turnBytes
	Linger      = linger
	ForgetAfter = forgetAfter
)

var (
	Split           = split
	ParseCheckpoint = func(text []byte) error { _, err := parseCheckpoint(text); return err }
)
