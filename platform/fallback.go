package platform

// StepFallback is a step that a [Fallback] carries out. Its payload belongs to the Fallback.
const StepFallback StepKind = "fallback"

// A Fallback provides managers for machines that holdfast has no manager of its own for:
// FreeBSD's rc.d, SMF, procd and others. A program enables it with service.Config.Fallback;
// package platform/kardianos has one. A Fallback may be used by several goroutines.
type Fallback interface {
	// Managers returns the names that Manager accepts.
	Managers() []string
	// Manager returns the manager with that name, even if it does not run this machine. The
	// error wraps [ErrUnsupported] if there is none.
	Manager(name string) (Manager, error)
	// Applier carries out the steps of kind [StepFallback] in the plans of these managers.
	Applier
}

// A Finder is a [Fallback] that recognises machines which holdfast does not recognise.
type Finder interface {
	// Here returns the name of the manager that runs this machine, or "" if none of the
	// Fallback's does. It is asked only if holdfast finds no manager.
	Here() string
}

// A Lesser is a [Manager] that does less for a service than holdfast's own managers.
type Lesser interface {
	// Missing returns sentences for people that say what the service lacks under this manager.
	Missing(id ID) []string
}
