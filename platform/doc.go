// Package platform says what a service is on any operating system.
//
// It holds types and nothing else: a [Unit] describes a service portably, a
// [Manager] is the init system that keeps it, a [Host] is whatever started this
// process and may ask it to stop, a [Step] is one change to the machine as
// data, a [System] is the machine reduced to files and commands. The rooms
// below (systemd, posix, ...) implement them, platform/native chooses by OS.
//
// Limits: nothing here touches the machine, and nothing here depends on an
// operating system, so every room's rendering compiles and is tested anywhere.
package platform
