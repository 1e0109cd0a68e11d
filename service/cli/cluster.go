package cli

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform/state"
)

// clusterText describes the part of an instance in the election among several machines.
func clusterText(r report, c state.Cluster) string {
	text := fmt.Sprintf("%s of %q%s", c.Role, c.Name, r.since(c.Since))
	if c.Term > 0 {
		text += fmt.Sprintf(", term %d", c.Term)
	}
	return text + prefixed("; ", c.Text)
}

// printableCluster returns c with all texts safe to print.
func printableCluster(c *state.Cluster) *state.Cluster {
	if c == nil {
		return nil
	}
	safe := *c
	safe.Name, safe.Role, safe.Text = oneLine(c.Name), oneLine(c.Role), oneLine(c.Text)
	return &safe
}
