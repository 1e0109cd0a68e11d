// Package ship follows files and appends their complete lines to one output
// file, each exactly once, however often and however badly the process ends.
//
// It knows nothing of services: a [Shipper] is driven by one goroutine that
// calls [Shipper.Turn] again and again.
//
// # How exactly once comes about
//
// A turn appends what it read to the output and syncs it; only then it replaces
// the checkpoint, which says how far every input had been read and how long the
// output was at that moment. A process killed in between leaves an output that
// is longer than its checkpoint says. [Open] cuts it back to that length and
// goes on reading from the offsets that belong to it.
//
// # What a file is
//
// On Unix a file is its device and inode, so a renamed file goes on being the
// same. A crash or a reboot in between is bridged by a checksum of the bytes
// before the offset: it tells a file from another one that got its inode, finds
// it again under a new device number, and notices that it was rewritten.
//
// # Other systems
//
// Elsewhere a file is its path and that checksum. A file that is renamed while
// nobody follows it is lost sight of; Windows does not let others rename or
// remove a file as long as it is followed.
package ship
