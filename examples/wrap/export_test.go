package main

// Parse parses a command line.
func Parse(args []string) (name string, rest, command []string, err error) {
	w, err := parse(args)
	return w.name, w.args, w.command, err
}

// Verbs returns the commands that every service has.
func Verbs() []string { return verbs() }

// Secret reports whether the file may contain secrets.
func Secret(set ...string) bool { return words{set: set}.secret() }

// File returns the text that an install writes.
func File(name string, set []string, command ...string) (string, error) {
	return words{name: name, set: set, command: command}.file()
}

// Run exports run.
func Run(args ...string) int { return run(args) }
