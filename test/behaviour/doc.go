// Package behaviour has the behaviour scripts. They show what a service made with holdfast
// does on a real init system. Each behaviour is one text, the same for every init.
package behaviour
