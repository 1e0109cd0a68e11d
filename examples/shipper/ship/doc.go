// Package ship follows files and appends their complete lines to one output file, each exactly
// once, however often and however badly the process ends.
//
// It knows nothing about services. One goroutine drives a [Shipper] by calling [Shipper.Turn]
// again and again.
//
// # How it achieves exactly once
//
// A turn appends what it has read to the output and syncs it. Only then it replaces the
// checkpoint, which has the offsets in all inputs and the length of the output at that moment.
// If the process is killed in between, the output is longer than the checkpoint says. [Open]
// truncates it to that length and continues reading at the corresponding offsets.
//
// # The identity of a file
//
// On Unix a file is identified by its device and inode, so a renamed file stays the same. A
// checksum of the bytes before the offset covers a crash or a reboot in between. It
// distinguishes the file from another one with the same inode, finds it again under a new
// device number, and shows that it was rewritten.
//
// # Other systems
//
// Elsewhere a file is identified by its path and that checksum. A file that is renamed while
// nobody follows it is lost. On Windows nobody can rename or remove a file while it is
// followed.
package ship
