// Package initdtest has what the tests of the rooms with scripts share: a simulated machine
// with fixed answers, a service, and checks of scripts.
package initdtest
