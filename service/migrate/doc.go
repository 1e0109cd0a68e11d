// Package migrate reads how a service is defined elsewhere, and says the same as a
// [service.Config]: units of systemd, init scripts, property lists of launchd, those
// that github.com/kardianos/service wrote among them, sections of supervisord, WinSW's
// XML files, and NSSM's registry keys as `reg export` writes them.
//
// It reads text and touches nothing. What a Config has no counterpart for is kept in
// what one manager alone knows (systemd.extra, launchd.extra), where that manager is
// the same; the rest is listed, each with the reason ([Found.Lost]), and never dropped
// in silence.
//
// # What stays as it was
//
// A service that moves is not to change on the way. So the hardening that holdfast
// puts on every service by itself is switched off as far as the old definition did not
// have it, and limits, times and the restart policy are those that held before, also
// where the definition did not say them and its manager's own defaults held.
//
// # Limits
//
// An init script is a program: what can be read of one is its LSB header and variables
// that are assigned a plain text at the beginning of a line.
package migrate
