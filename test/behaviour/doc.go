// Package behaviour holds the behaviour scripts: what a service made with
// holdfast does on a real init system, one text a behaviour, the same text on
// every init.
package behaviour
