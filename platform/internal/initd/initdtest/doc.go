// Package initdtest has what the tests of the rooms with scripts share: a
// machine that answers from a list, a service, and judges of scripts.
package initdtest
