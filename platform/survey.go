package platform

import "context"

// A Catalogue is a [Manager] whose definitions are files in one directory. So the services
// that holdfast made can be listed without asking the manager.
type Catalogue interface {
	// Definitions returns the pattern (see filepath.Match) of the definition files of services
	// in the scope, and the part of their names that follows the service's name.
	Definitions(scope Scope) (pattern, suffix string)
	// Made reports whether holdfast made the file with this content. The beginning of the
	// content is enough.
	Made(content []byte) bool
}

// A Surveyor is a [Manager] that can list its unsettled services by a single query.
type Surveyor interface {
	// Unsettled returns the phases, by name, of the services in the scope that neither run nor
	// are stopped, as far as the manager knows. The phase is PhaseFailed or PhaseStarting; the
	// latter includes services that the manager is about to restart. The result also contains
	// services that holdfast did not make.
	Unsettled(ctx context.Context, scope Scope) (map[string]Phase, error)
}
