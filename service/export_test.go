package service

// RunOn is Run on a host that the test plays.
var RunOn = run
