// Package native chooses what fits the operating system that we run on, and
// composes it from the rooms of package platform. It is the only place that
// does so.
package native
