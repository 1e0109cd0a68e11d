package scm

import "github.com/holdfast-dev/holdfast/platform"

// Registration is a service as the Windows service control manager keeps it: its
// database is reached by calls and not by files, so this is the payload of a step
// in place of a file's content. Empty fields are empty there.
type Registration struct {
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	Description string `json:"description,omitempty"`
	// BinaryPath is the whole command line, program and arguments quoted.
	BinaryPath string `json:"binary_path,omitempty"`
	Account    string `json:"account,omitempty"`
	// Password is the account's, where it is not in a file; never read back.
	Password     platform.Secret `json:"-"`
	Enabled      bool            `json:"auto_start,omitempty"`
	Delayed      bool            `json:"delayed,omitempty"`  // started after those that are not, at boot
	Disabled     bool            `json:"disabled,omitempty"` // nobody may start it
	Dependencies []string        `json:"dependencies,omitempty"`
	Environment  []string        `json:"environment,omitempty"` // "NAME=value", sorted
	// Recovery is nil in what was read from a system that does not tell.
	Recovery *Recovery `json:"recovery,omitempty"`
	// Preshutdown is how long a shutdown of the machine waits for the service, in milliseconds.
	Preshutdown uint32 `json:"preshutdown_timeout_ms,omitempty"`
	// OwnSID gives the service's process the identity "NT SERVICE\name" beside
	// that of its account, so that access lists can name it.
	OwnSID bool `json:"own_sid,omitempty"`
	// Parameters are texts under the service's registry key, for our own use.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Beyond names what was read of a service and has no place in a Registration, so
	// that nobody could put it back from one: a process that it shares, triggers.
	Beyond []string `json:"beyond,omitempty"`
}

// Recovery is what the service control manager does when the service failed: the
// n-th action for the n-th failure, the last one for all that follow. The count begins
// anew after Reset seconds without a failure.
type Recovery struct {
	Reset   uint32           `json:"reset_s"`
	Actions []RecoveryAction `json:"actions,omitempty"`
	// Codes has an end in order with a Win32 exit code other than 0 count as a
	// failure, too, and not only the loss of the process.
	Codes bool `json:"also_for_exit_codes"`
}

// RecoveryAction is a restart of the service, or of the machine, after Delay
// milliseconds; else it is nothing.
type RecoveryAction struct {
	Restart bool   `json:"restart"`
	Reboot  bool   `json:"reboot,omitempty"`
	Delay   uint32 `json:"delay_ms"`
}
