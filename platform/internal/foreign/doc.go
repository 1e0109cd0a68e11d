// Package foreign describes the init systems that holdfast has no manager for, but for which
// github.com/kardianos/service can install a service: what that library's definitions can
// express, and what a service lacks there. It does not import the library.
//
// None of this has been tested on FreeBSD, SMF, AIX, upstart or OpenWrt. It follows the
// library's source and the manual pages.
package foreign
