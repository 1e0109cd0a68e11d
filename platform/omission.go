package platform

// Omission is a setting that a manager's definition leaves out, where refusing it
// would help nobody: each has it from the defaults, or another manager's table is
// simply not for this one. All other settings are honoured or refused.
type Omission struct {
	Key string // as in the configuration file: "watchdog", or a table for all that is in it
	Why string // what holds instead, for people
}
