//go:build unix

package upgrade_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// The output of a candidate, and health texts of the service's user, go into the ledger. They
// must not make it too long to be read, because then no upgrade would be possible any more.
func TestIssue11_WhatOthersSayDoesNotOutgrowTheLedger(t *testing.T) {
	long := strings.Repeat("\x01\"é", 200<<10)
	for name, tt := range map[string]struct {
		content string
		want    upgrade.Result
		change  func(*upgrade.Engine)
	}{
		"a health check's text": {"v2 sick", upgrade.RolledBack, func(e *upgrade.Engine) {
			status := e.Status
			e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
				l := status(ctx, id, candidate)
				if l.Why != "" {
					l.Why = long
				}
				return l
			}
		}},
		"what `version` prints": {"v2", upgrade.Refused, func(e *upgrade.Engine) {
			e.Version = func(context.Context, string) (string, error) { return "", errors.New(long) }
		}},
		"the version itself": {"v2", upgrade.Confirmed, func(e *upgrade.Engine) {
			e.Version = func(context.Context, string) (string, error) { return "2" + long, nil }
		}},
		"what `check` prints": {"v2", upgrade.Refused, func(e *upgrade.Engine) {
			e.Check = func(context.Context, string) error { return errors.New(long) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "v1")
			w.upgrade(tt.content, tt.want, tt.change)
			if info, err := os.Stat(w.ledger()); err != nil || info.Size() > 64<<10 {
				t.Errorf("the ledger has %d bytes, %v", info.Size(), err)
			}
			w.upgrade("v3", upgrade.Confirmed, nil)
		})
	}
}

// Whoever may write the source, whose digest is verified later, cannot fill the disk with it.
func TestIssue11_AProgramWithoutEndIsNotCopied(t *testing.T) {
	w := newWorld(t, "v1")
	got := w.upgrade("v2", upgrade.Refused, func(e *upgrade.Engine) {
		if err := os.Truncate(e.Source, int64(2<<30)+1); err != nil { // a sparse file
			t.Fatal(err)
		}
		e.SHA256 = digest("v2")
	})
	if !strings.Contains(got.Reason, "has 2147483649 bytes, and 2147483648 are the most") {
		t.Errorf("it says %q", got.Reason)
	}
}
