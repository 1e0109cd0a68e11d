package platform

// StepFallback is a step that a [Fallback] carries out. Its payload is the Fallback's own.
const StepFallback StepKind = "fallback"

// Fallback has managers for machines that none of holdfast's own runs: FreeBSD's rc.d,
// SMF, procd and others. A program asks for it by service.Config.Fallback; package
// platform/kardianos has one. It may be used by several goroutines.
type Fallback interface {
	// Managers are the names that Manager knows.
	Managers() []string
	// Manager gives the manager of that name, whether it runs this machine or not. The
	// error wraps [ErrUnsupported] if there is none.
	Manager(name string) (Manager, error)
	// Applier carries out steps of the kind [StepFallback], which the plans of those
	// managers have.
	Applier
}

// Lesser is a [Manager] that does less for a service than holdfast's own.
type Lesser interface {
	// Missing are sentences for people, on what the service goes without there.
	Missing(id ID) []string
}
