// Package platform describes services, managers and machines independently of the operating
// system.
//
// It contains types and pure functions only. A [Unit] describes a service portably. A
// [Manager] is an init system that manages it. A [Host] is whatever started this process and
// may ask it to stop. A [Step] is one change to the machine, as data. A [System] is the
// machine, reduced to files and commands. The packages in internal (systemd, posix, ...)
// implement these interfaces, and platform/native chooses among them by operating system.
//
// # Terms
//
//   - room: a package in internal. It knows one manager or one kind of system, and no other
//     room.
//   - definition: what a manager stores about a service: a unit, a script, a property list, an
//     entry of the SCM.
//   - manifest: the record of what install was given and what it has made.
//   - drift: a difference between the definition and what install would write now.
//
// # Limits
//
// Nothing in this package touches the machine or depends on an operating system. So the output
// of each room can be compiled and tested anywhere.
package platform
