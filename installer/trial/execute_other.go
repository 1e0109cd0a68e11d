//go:build !unix && !windows

package trial

import (
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
)

func (o Options) execute(Record, []string) (Begun, error) {
	return Begun{}, over("%w", errors.ErrUnsupported)
}

func (mark) relayed() (platform.Host, error) { return nil, nil }

type keptFile struct{}

func keepFiles() []keptFile { return nil }

func closeCopies([]keptFile) {}

func rename(string) {}

func (t *Trial) giveWay() error { return errors.ErrUnsupported }
