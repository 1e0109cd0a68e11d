// Package native chooses what fits the operating system that it runs on, and composes it from
// the rooms of package platform. No other package does that.
package native
