// Package initd is what services by scripts in /etc/init.d have in common,
// whoever reads the scripts: which units they can honour, what each script says
// about directories, accounts, environment and commands, and how a manager finds
// its scripts and runs them. The rooms sysv and openrc say by a [Dialect] what
// they want otherwise, and hold what truly differs.
//
// It is portable text: it works on every operating system, with whatever machine
// stands behind the platform.System.
package initd
