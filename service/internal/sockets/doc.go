// Package sockets opens the sockets of [[service.socket]], and has them kept for the
// service's next process where somebody can keep them: systemd in its file descriptor
// store, holdfast's own supervisor. That process takes them back, after a look at what
// it was given, and meanwhile the kernel queues whoever connects.
//
// # Other systems
//
// Where nobody keeps them, and on Windows, sockets are opened at each start, and closed
// at each end. A setting that the system does not have is an error that names it.
package sockets
