// Package platform says what a service is on any operating system.
//
// It holds types and nothing else: a [Unit] describes a service portably, a
// [Manager] is the init system that keeps it, a [Host] is whatever started this
// process and may ask it to stop, a [Step] is one change to the machine as
// data, a [System] is the machine reduced to files and commands. The packages
// in internal (systemd, posix, ...) implement them, and platform/native chooses
// one by operating system.
//
// # Words
//
//   - room: a package in internal that knows one manager or one kind of system,
//     and no other room.
//   - definition: what a manager keeps of a service on disk: a unit, a script, a
//     property list, an entry of the SCM.
//   - manifest: the record of what install was told and has made.
//   - drift: a difference between the definition and what install would write.
//
// # Limits
//
// Nothing here touches the machine, and nothing here depends on an operating
// system, so what each room renders compiles and is tested anywhere.
package platform
