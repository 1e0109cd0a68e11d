package room

import "github.com/holdfast-dev/holdfast/platform"

// Named is a service that a unit names, and the key of the setting that names it.
type Named struct{ Key, Name string }

// Ordered returns the services that a unit names.
func Ordered(u platform.Unit) []Named {
	var all []Named
	for _, list := range []struct {
		key   string
		names []string
	}{{"after", u.After}, {"requires", u.Requires}, {"wants", u.Wants}} {
		for _, name := range list.names {
			all = append(all, Named{list.key, name})
		}
	}
	return all
}

// NetworkByItself says why a definition does not mention the network.
const NetworkByItself = "the service itself waits for it, at most half a minute, and then continues with a warning"
