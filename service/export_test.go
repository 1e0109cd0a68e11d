package service

// RunOn is Run on a host that the test plays.
var RunOn = run

// LogOptions and Overlap are what the name of the host decides.
var (
	LogOptions = logOptions
	Overlap    = overlap
)
