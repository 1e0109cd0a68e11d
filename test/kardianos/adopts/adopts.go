// Package adopts calls kardianos.Adopt in its init.
package adopts

import "github.com/holdfast-dev/holdfast/platform/kardianos"

func init() { kardianos.Adopt() }
