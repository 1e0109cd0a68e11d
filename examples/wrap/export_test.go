package main

// Parse reads a command line.
func Parse(args []string) (name string, rest, command []string, err error) {
	w, err := parse(args, verbs())
	return w.name, w.args, w.command, err
}

// Secret reports whether the file is one.
func Secret(set ...string) bool { return words{set: set}.secret() }

// File is what an install writes.
func File(name string, set []string, command ...string) (string, error) {
	return words{name: name, set: set, command: command}.file()
}

// Run is main.
func Run(args ...string) int { return run(args) }
