//go:build unix

package supervise

// BackOff returns the wait before a restart.
var BackOff = backOff

// CarriedVariable has the names of what is carried.
const CarriedVariable = carriedVariable
