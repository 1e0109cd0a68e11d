package scm

import "github.com/holdfast-dev/holdfast/platform"

// A Registration is a service in the database of the Windows service control manager. The
// database is accessed by calls and not as files, so a Registration is the payload of a step.
// Empty fields are empty in the database.
type Registration struct {
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	Description string `json:"description,omitempty"`
	// BinaryPath is the complete command line, with program and arguments quoted.
	BinaryPath string `json:"binary_path,omitempty"`
	Account    string `json:"account,omitempty"`
	// Password is the account's password, if it is not in a file. It is never read back.
	Password     platform.Secret `json:"-"`
	Enabled      bool            `json:"auto_start,omitempty"`
	Delayed      bool            `json:"delayed,omitempty"`  // started at boot after the services that are not delayed
	Disabled     bool            `json:"disabled,omitempty"` // it cannot be started
	Dependencies []string        `json:"dependencies,omitempty"`
	Environment  []string        `json:"environment,omitempty"` // "NAME=value", sorted
	// Recovery is nil in a registration from a system that does not return it.
	Recovery *Recovery `json:"recovery,omitempty"`
	// Preshutdown is how long a shutdown of the machine waits for the service, in
	// milliseconds.
	Preshutdown uint32 `json:"preshutdown_timeout_ms,omitempty"`
	// OwnSID gives the service's process the identity "NT SERVICE\name" in addition to that of
	// its account, so that access lists can name it.
	OwnSID bool `json:"own_sid,omitempty"`
	// Parameters are texts under the service's registry key, for our own use.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Beyond names what the service has but a Registration cannot represent, such as a shared
	// process or triggers. Such a service could not be restored.
	Beyond []string `json:"beyond,omitempty"`
}

// A Recovery says what the service control manager does after failures: the n-th action
// follows the n-th failure, and the last one all later failures. After Reset seconds without a
// failure the count begins anew.
type Recovery struct {
	Reset   uint32           `json:"reset_s"`
	Actions []RecoveryAction `json:"actions,omitempty"`
	// Codes makes an orderly end with a Win32 exit code other than 0 count as a failure, too,
	// and not only the loss of the process.
	Codes bool `json:"also_for_exit_codes"`
}

// A RecoveryAction is a restart of the service or of the machine after Delay milliseconds, or
// nothing.
type RecoveryAction struct {
	Restart bool   `json:"restart"`
	Reboot  bool   `json:"reboot,omitempty"`
	Delay   uint32 `json:"delay_ms"`
}
