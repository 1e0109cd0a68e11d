package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// setFlag sets a key of the configuration that install writes.
const setFlag = "set"

// words is a parsed command line.
type words struct {
	name, verb string
	args       []string // the verb and its arguments
	set        []string // KEY=VALUE
	command    []string // to wrap
	scope      string   // value of the flag
	instance   string
	config     bool // a flag names a configuration file
	dry        bool // write nothing
}

// parse parses "VERB NAME ..." and "NAME VERB ...", which is the form that is installed. A
// name that equals a verb would be ambiguous, and is refused.
func parse(args []string) (w words, err error) {
	flag := func(word string) bool { return strings.HasPrefix(word, "-") }
	if len(args) == 0 || flag(args[0]) || args[0] == "help" && len(args) == 1 {
		w.args = args
		return w, nil
	}
	verb := func(word string) bool { return slices.Contains(verbs(), word) }
	rest := args[1:]
	switch {
	case verb(args[0]) && args[0] == "config" && len(args) > 2 && !flag(args[1]) && !flag(args[2]): // wrap config print NAME
		w.name, w.args, rest = args[2], args[:2:2], args[3:]
	case verb(args[0]) && len(args) > 1 && !flag(args[1]):
		w.name, w.args, rest = args[1], args[:1:1], args[2:]
	case verb(args[0]):
		return w, cli.Usage(errUsage)
	default:
		if len(rest) == 0 || !verb(rest[0]) { // perhaps a misspelt command, and no name
			if hint := suggestion(args[0]); hint != "" {
				return w, cli.Usage(fmt.Errorf("unknown command %q%s", args[0], hint))
			}
		}
		w.name = args[0]
		if len(rest) > 0 {
			w.args, rest = rest[:1:1], rest[1:]
		}
	}
	if verb(w.name) {
		return w, cli.Usage(fmt.Errorf("%q is a command and cannot be the name of a service: %w", w.name, errUsage))
	}
	if err := platform.CheckName(w.name); err != nil {
		return w, cli.Usage(err)
	}
	if len(w.args) > 0 {
		w.verb = w.args[0]
	}
	if !slices.Contains(takeCommand(), w.verb) {
		w.args = append(w.args, rest...)
		return w, nil
	}
	return w, w.own(rest)
}

// own extracts the arguments of an install that cobra does not parse.
func (w *words) own(rest []string) error {
	for i := 0; i < len(rest); i++ {
		word := rest[i]
		if word == "--" {
			if w.command = rest[i+1:]; len(w.command) == 0 {
				return cli.Usage(fmt.Errorf("there is no program behind --: %w", errUsage))
			}
			break
		}
		name, value, whole := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !strings.HasPrefix(word, "--") {
			name = ""
		}
		if !whole && i+1 < len(rest) {
			value = rest[i+1]
		}
		switch name {
		case "config":
			w.config = true
		case "scope":
			w.scope = value
		case "instance":
			w.instance = value
		case "dry-run":
			w.dry = !whole || value != "false"
		case setFlag:
			if !whole {
				i++
			}
			w.set = append(w.set, value)
			continue
		}
		w.args = append(w.args, word)
	}
	if w.config && (len(w.command) > 0 || len(w.set) > 0) {
		return cli.Usage(fmt.Errorf("--config names a complete file: it cannot be combined with --%s or -- PROGRAM", setFlag))
	}
	if len(w.set) > 0 && len(w.command) == 0 {
		return cli.Usage(fmt.Errorf("--%s is only for a new file, with -- PROGRAM; edit the existing file instead", setFlag))
	}
	return nil
}

// file returns the text of the configuration that an install writes, or "" if it writes none.
func (w words) file() (string, error) {
	if len(w.command) == 0 {
		return "", nil
	}
	command := slices.Clone(w.command)
	if strings.Contains(command[0], "/") { // a manager starts it in another directory
		abs, err := filepath.Abs(command[0])
		if err != nil {
			return "", err
		}
		command[0] = abs
	}
	doc := map[string]any{
		"service": map[string]any{"description": filepath.Base(command[0]) + ", wrapped"},
		"wrap":    map[string]any{"command": command},
	}
	for _, setting := range w.set {
		if err := set(doc, setting); err != nil {
			return "", cli.Usage(err)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, written+"%s. Change it as you like: a later install keeps a changed file.\n# All keys, with their meaning: wrap config print %[1]s\n\n", w.name)
	encoder := toml.NewEncoder(&b)
	encoder.Indent = ""
	if err := encoder.Encode(doc); err != nil {
		return "", cli.Usage(fmt.Errorf("--%s: %w", setFlag, err))
	}
	return b.String(), nil
}

// secret reports whether the file may contain secrets. Environment variables often contain
// passwords.
func (w words) secret() bool {
	return slices.ContainsFunc(w.set, func(s string) bool { return strings.HasPrefix(strings.TrimPrefix(s, "wrap."), "env.") })
}

// set adds one KEY=VALUE to doc. A value that is valid TOML is decoded; anything else is a
// string.
func set(doc map[string]any, setting string) error {
	key, text, ok := strings.Cut(setting, "=")
	path := strings.Split(key, ".")
	if !ok || slices.Contains(path, "") {
		return fmt.Errorf("--%s %q is not KEY=VALUE, as in ready.tcp=127.0.0.1:6400", setFlag, setting)
	}
	if path[0] != "service" && path[0] != "wrap" {
		path = append([]string{"wrap"}, path...)
	}
	if len(path) < 2 {
		return fmt.Errorf("--%s %q: %s is a table, not a key", setFlag, setting, key)
	}
	var value any = text
	var parsed struct{ V any }
	if path[1] != "env" {
		if _, err := toml.Decode("V = "+text, &parsed); err == nil && parsed.V != nil {
			value = parsed.V
		}
	}
	table := doc
	for _, name := range path[:len(path)-1] {
		inner, ok := table[name].(map[string]any)
		if !ok {
			if _, other := table[name]; other {
				return fmt.Errorf("--%s %q: %s is not a table", setFlag, setting, name)
			}
			inner = map[string]any{}
			table[name] = inner
		}
		table = inner
	}
	table[path[len(path)-1]] = value
	return nil
}

// written begins a file that an install writes.
const written = "# Written by: wrap install "

// path returns the path of the file.
func (w words) path(cfg service.Config) (string, error) {
	cfg.Scope, cfg.Instance = platform.Scope(w.scope), w.instance
	if w.scope == "auto" {
		cfg.Scope = ""
	}
	dirs, err := cfg.Dirs()
	if err != nil {
		return "", err
	}
	return filepath.Join(dirs.Config, cfg.ID(cfg.Scope).String()+".toml"), nil
}

// foreign returns an error if the file to write exists and was not written by wrap.
func (w words) foreign(cfg service.Config) error {
	if cfg.DefaultFile == "" {
		return nil
	}
	path, err := w.path(cfg)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.HasPrefix(string(text), written) {
		return nil //nolint:nilerr // there is no file, or the install will report the error
	}
	return fmt.Errorf("%s was not written by wrap: use --config %[1]s without -- PROGRAM if that is the configuration, or choose another name", path)
}

// taken returns an error if the service uses another configuration than the one to be written,
// because somebody has changed the file.
func (w words) taken(cfg service.Config) error {
	path, err := w.path(cfg)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) == cfg.DefaultFile {
		return err
	}
	return fmt.Errorf("%s was changed since wrap wrote it, and is kept: the service follows that file, not this command. Remove the file and install again", path)
}
