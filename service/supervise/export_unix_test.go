//go:build unix

package supervise

// BackOff returns the wait before a restart.
var BackOff = backOff

// LenderVariable has the number of the process under which sockets are lent.
const LenderVariable = lenderVariable
