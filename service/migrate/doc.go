// Package migrate reads the definition of a service from another system, and returns the same
// settings as a [service.Config]. It reads systemd units, init scripts, launchd property lists
// (including those of github.com/kardianos/service), supervisord sections, WinSW XML files,
// and the registry keys of NSSM in the format of `reg export`.
//
// It reads text and changes nothing. A setting without a counterpart in Config is kept among
// the settings of its manager (systemd.extra, launchd.extra), if the service stays with that
// manager. All other such settings are listed with a reason ([Found.Lost]). Nothing is dropped
// silently.
//
// # What stays as it was
//
// A migration does not change the behaviour of a service. So the hardening that holdfast
// applies by default is switched off, except for what the old definition had. Limits, timeouts
// and the restart policy keep their values, even if these were the defaults of the old manager
// and not in the definition.
//
// # Limits
//
// An init script is a program. Only two parts of it can be read: its LSB header, and variables
// that are assigned a plain text at the start of a line.
package migrate
