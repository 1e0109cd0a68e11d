// Package foreign knows the init systems that holdfast has no manager of its own for,
// and that github.com/kardianos/service can install a service with: what its definitions
// can hold, and what a service goes without there. It imports nothing of that library.
//
// Nothing here was seen on FreeBSD, SMF, AIX, upstart or OpenWrt itself: it is by the
// library's source and the manual pages.
package foreign
