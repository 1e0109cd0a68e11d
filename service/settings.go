package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A TakenBy says what brings a changed key of the [service] table into force.
type TakenBy string

// The values of TakenBy. Each also brings into force the keys of the values above it.
const (
	TakenByReload  TakenBy = "reload"  // the running process takes it
	TakenByRestart TakenBy = "restart" // the process takes it when it starts
	TakenByInstall TakenBy = "install" // install writes it to the service definition; a restart follows
)

// takes returns what brings a changed key into force if the service definition has the key.
func takes(key string) TakenBy {
	switch {
	case key == "log.level", strings.HasPrefix(key, "alarm."):
		return TakenByReload
	case key == "program_stop_timeout", key == "health_interval", strings.HasPrefix(key, "log.") && key != "log.file":
		return TakenByRestart
	}
	if !slices.ContainsFunc(Keys(), func(k Key) bool { return k.Name == key }) {
		return TakenByRestart // a key of an extension, which no definition has
	}
	return TakenByInstall // log.file, too: a definition may make the rest of the file system read-only
}

// Takes returns what brings a changed key, named as in [Keys], into force for a service of the
// given manager and scope. A key that the service definition leaves out needs a restart. The
// result is empty for a key of another manager, which has no effect. Without a manager there
// is no definition.
func Takes(manager string, scope platform.Scope, key string) TakenBy {
	by := takes(key)
	if by != TakenByInstall {
		return by
	}
	for table, of := range map[string]string{"systemd.": "systemd", "launchd.": "launchd", "windows.": "scm"} {
		if strings.HasPrefix(key, table) && of != manager {
			return ""
		}
	}
	if strings.HasPrefix(key, "container.") && manager != "kubernetes" && manager != "compose" {
		return ""
	}
	if manager == "" {
		return TakenByRestart
	}
	for _, o := range native.LeftOut(manager, scope) {
		if o.Key == key || strings.HasPrefix(key, o.Key+".") {
			return TakenByRestart
		}
	}
	return by
}

// Settings returns the keys of the [service] table whose values differ from the defaults, each
// with a digest of its value. The digest shows that a value has changed without revealing it.
func (c Config) Settings() map[string]string { return c.allSettings() }

func (c *Config) allSettings() map[string]string {
	usual := map[string]reflect.Value{}
	eachSet(reflect.ValueOf(defaults()).Elem(), "", func(name string, _ reflect.StructField, v reflect.Value) { usual[name] = v })
	settings := map[string]string{}
	eachSet(reflect.ValueOf(c.withDefaults()).Elem(), "", func(name string, _ reflect.StructField, v reflect.Value) {
		u, known := usual[name]
		if known && v.Comparable() && v.Equal(u) { // nearly all: a digest takes time, and each start makes them
			return
		}
		if d := digest(v); d != "" && !(known && d == digest(u)) {
			settings[name] = d
		}
	})
	c.eachExtended(func(name string, _ reflect.StructField, v, usual reflect.Value) {
		if d := digest(v); d != digest(usual) {
			settings[name] = d
		}
	})
	return settings
}

// ProgramSettings returns the keys of the program's own tables in the file that [Config.Load]
// has read, with their tables ("feed.url"), each with a digest of its value as in
// [Config.Settings]. It is nil if c was not loaded.
func (c Config) ProgramSettings() map[string]string { return maps.Clone(c.programSettings) }

// programSettings returns the ProgramSettings of a file that can be decoded.
func (f file) programSettings() map[string]string {
	var doc map[string]any
	if _, err := toml.Decode(f.text, &doc); err != nil {
		return nil
	}
	delete(doc, ownTable)
	all := map[string]string{}
	var note func(key string, value any)
	note = func(key string, value any) {
		if table, is := value.(map[string]any); is && len(table) > 0 {
			for k, v := range table {
				note(key+"."+k, v)
			}
			return
		}
		all[key] = sum(value)
	}
	for name, table := range doc {
		note(name, table)
	}
	return all
}

// digest returns a short digest. It only distinguishes values that people write, and need not
// resist attacks.
func digest(v reflect.Value) string {
	if v.IsZero() || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0 {
		return ""
	}
	return sum(v.Interface())
}

func sum(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // a number that JSON cannot represent
		text = fmt.Append(nil, value)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Differing returns the sorted names of the keys that differ between two Settings.
func Differing(a, b map[string]string) []string {
	var keys []string
	for k, v := range a {
		if b[k] != v {
			keys = append(keys, k)
		}
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// TakenByProgram returns what brings a changed key of prog's own tables into force.
func TakenByProgram(prog Program, key string) TakenBy {
	if p, ok := prog.(PartialReloader); ok && p.NeedsRestart(key) {
		return TakenByRestart
	}
	if _, ok := prog.(Reloader); ok {
		return TakenByReload
	}
	return TakenByRestart
}
