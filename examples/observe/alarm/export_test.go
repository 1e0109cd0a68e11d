package main

// Run is the whole of the program.
var Run = run
