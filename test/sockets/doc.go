// Package sockets proves, on booted machines, that no connection is refused while a service
// restarts, is upgraded, rolled back, reloaded or killed.
package sockets
