package platform

// An Activation says what starts a service besides the boot and the start command. The zero
// value means nothing does.
type Activation string

// ActivationSocket means that the manager itself listens at the service's sockets, from boot
// on, and starts the service for the first connection. With [StartAuto] the service starts at
// boot as well, after its sockets. Only systemd can do that.
const ActivationSocket Activation = "socket"

// Activations returns all values but the zero one.
func Activations() []Activation { return []Activation{ActivationSocket} }

// A Trigger is the state of the manager's own units that listen for a service with
// [ActivationSocket].
type Trigger struct {
	Units     []string `json:"units"`
	Listening bool     `json:"listening"` // all of them
	Enabled   bool     `json:"enabled"`   // all of them listen from boot on
	// Failed says which unit does not listen, and why, for people. It is empty if they all
	// listen, or if somebody has stopped them.
	Failed string `json:"failed,omitempty"`
}
