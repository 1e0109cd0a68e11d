package platform

// An Omission is a setting that a manager leaves out of its definitions. All other settings
// are honoured or refused. Refusing an omitted one would help nobody: every configuration has
// it by default, or it belongs to the table of another manager.
type Omission struct {
	Key string // as in the configuration file: "watchdog", or a table with all its keys
	Why string // what applies instead, for people
}
