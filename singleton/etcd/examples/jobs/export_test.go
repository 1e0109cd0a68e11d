package main

// Main is the real main.
func Main() { main() }
