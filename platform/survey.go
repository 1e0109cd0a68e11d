package platform

import "context"

// Catalogue is a [Manager] whose definitions are files in one directory, so that all that holdfast
// made are found without a question to the manager.
type Catalogue interface {
	// Definitions is a pattern (filepath.Match) of the files that services of that scope
	// are defined by, and what stands in their names behind the service's own.
	Definitions(scope Scope) (pattern, suffix string)
	// Made reports whether a file with that content, of which the beginning is enough,
	// was made by holdfast.
	Made(content []byte) bool
}

// Surveyor is a [Manager] that says with one question which of its services are in between.
type Surveyor interface {
	// Unsettled are the phases of those services of the scope, by name, that neither run
	// nor are stopped as far as the manager knows: PhaseFailed, or PhaseStarting also of one that it is
	// about to start again. Others' services are among them.
	Unsettled(ctx context.Context, scope Scope) (map[string]Phase, error)
}
