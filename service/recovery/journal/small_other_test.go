//go:build !linux

package journal_test

import (
	"errors"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func small(*journal.Journal) error { return errors.ErrUnsupported }
