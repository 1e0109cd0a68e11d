// Package adopts has an init that adopts.
package adopts

import "github.com/holdfast-dev/holdfast/platform/kardianos"

func init() { kardianos.Adopt() }
