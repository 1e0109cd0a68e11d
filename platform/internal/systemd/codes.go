package systemd

import "github.com/holdfast-dev/holdfast/platform"

// Exit codes of systemd itself. A process ends with one of them before the program's first
// line if systemd could not set it up: see systemd.exec(5), "Process Exit Codes".
const (
	codeChdir     = 200
	codeExec      = 203
	codeGroup     = 216
	codeUser      = 217
	codeCap       = 218
	codeNamespace = 226
)

// meaning explains an exit code of systemd. It returns "" for those of the program.
func meaning(code int) string {
	switch code {
	case codeChdir:
		return "systemd cannot enter its working_directory: does it exist, and may its user enter it?"
	case codeExec:
		return "systemd cannot execute its program: does it exist, is it executable and built for this machine, and may its user reach it?"
	case codeGroup:
		return "systemd cannot switch to its group: does the group exist?"
	case codeUser:
		return "systemd cannot switch to its user: does the user exist?"
	case codeCap:
		return "systemd cannot set its capabilities"
	case codeNamespace:
		return "systemd cannot set up its view of the file system: does each path in read_write_paths exist?"
	}
	cannot := map[int]string{
		201: "set its nice level", 202: "hand over its sockets", 204: "get memory", 205: "set its limits", 206: "set its OOM score",
		207: "set its signal mask", 208: "set its standard input", 209: "set its standard output", 210: "change its root directory",
		211: "set its I/O priority", 212: "set its timer slack", 213: "set its secure bits", 214: "set its scheduling",
		215: "bind it to processors", 219: "put it into its control group", 220: "make its session", 221: "ask for confirmation",
		222: "set its standard error", 224: "open its PAM session", 225: "make its network namespace", 227: "set no_new_privileges",
		228: "filter its system calls", 229: "set its SELinux context", 230: "set its personality", 231: "set its AppArmor profile",
		232: "restrict its address families", 233: "make its runtime directory", 235: "give its sockets an owner", 236: "set its SMACK label",
		237: "set up its keyring", 238: "make its state directory", 239: "make its cache directory", 240: "make its log directory",
		241: "make its configuration directory", 242: "set its NUMA policy", 243: "hand over its credentials", 245: "set up its BPF programs",
	}[code]
	if cannot == "" {
		return ""
	}
	return "systemd cannot " + cannot
}

// class returns the exit code of a command about a service that ended in this way. A failure
// of systemd to set the service up is a mistake in the definition.
func class(e *platform.Exit) int {
	switch {
	case e == nil:
		return platform.ExitFailed
	case e.Means != "":
		return platform.ExitBadConfig
	}
	return platform.ExitClass(e.Code)
}
