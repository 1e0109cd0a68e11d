// Package sockets opens the sockets of [[service.socket]] and passes them to a keeper, if
// there is one: systemd's file descriptor store, or holdfast's supervisor. The next process
// of the service checks what it gets back and uses it. Meanwhile, the kernel queues new
// connections.
//
// # Other systems
//
// Without a keeper, and always on Windows, each start opens the sockets and each stop closes
// them. If a system does not support an option, opening the socket fails with an error that
// names the option.
package sockets
