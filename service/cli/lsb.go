package cli

import (
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// unknownStatus returns err with the LSB code for "not known". Its own code, such as 1, would
// be a statement about the service. The code for a wrong command line stays.
func unknownStatus(ctx context.Context, err error) error {
	if ExitCode(err) == platform.ExitUsage || ctx.Err() != nil {
		return err
	}
	return &classedError{err, lsbUnknown}
}

func worst(reports []report) int {
	code := lsbRunning
	for _, r := range reports {
		code = max(code, r.lsb)
	}
	return code
}

// notReady returns nil if all services are ready and none of their health checks fails. If one
// does not run, the exit code is LSB's.
func notReady(reports []report) error {
	if code := worst(reports); code != lsbRunning {
		return lsbError(code)
	}
	for _, r := range reports {
		if !r.Ready || slices.ContainsFunc(r.Health, func(h state.Health) bool { return !h.OK }) {
			return &exitError{platform.ExitFailed}
		}
	}
	return nil
}

func lsbError(code int) error {
	if code == lsbRunning {
		return nil
	}
	return &exitError{code}
}
