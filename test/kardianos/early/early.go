// Package early wraps the System that the library has chosen, in an init that runs before that
// of package platform/kardianos, because it imports less.
package early

import "github.com/kardianos/service"

type wrapper struct{ inner service.System }

func (w wrapper) String() string    { return w.inner.String() }
func (w wrapper) Detect() bool      { return w.inner.Detect() }
func (w wrapper) Interactive() bool { return w.inner.Interactive() }

func (w wrapper) New(i service.Interface, c *service.Config) (service.Service, error) {
	s, err := w.inner.New(i, c)
	return wrapped{s}, err
}

type wrapped struct{ service.Service }

func (w wrapped) String() string { return "early " + w.Service.String() }

func init() { service.ChooseSystem(wrapper{service.ChosenSystem()}) }
