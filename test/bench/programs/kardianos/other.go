//go:build !linux

package main

func main() { panic("measured on Linux only") }
