// Package initd has what services with scripts in /etc/init.d have in common, whichever
// manager reads the scripts: which units they can honour, what each script says about
// directories, accounts, environment and commands, and how a manager finds and runs its
// scripts. The rooms sysv and openrc describe their variations by a [Dialect], and contain the
// real differences.
//
// The package is portable: it works on every operating system, for any machine behind a
// platform.System.
package initd
