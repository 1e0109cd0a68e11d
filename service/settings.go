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

// TakenBy is what brings a changed key of the [service] table into force.
type TakenBy string

// What brings keys into force. What takes more takes what is above it, too.
const (
	TakenByReload  TakenBy = "reload"  // the running process takes it
	TakenByRestart TakenBy = "restart" // the process takes it when it starts
	TakenByInstall TakenBy = "install" // the manager's definition has it, which only install writes; then a restart
)

// takes is what brings a changed key into force wherever the definition has it.
func takes(key string) TakenBy {
	switch {
	case key == "log.level", strings.HasPrefix(key, "alarm."):
		return TakenByReload
	case key == "program_stop_timeout", key == "health_interval", strings.HasPrefix(key, "log.") && key != "log.file":
		return TakenByRestart
	}
	if !slices.ContainsFunc(Keys(), func(k Key) bool { return k.Name == key }) {
		return TakenByRestart // of an extension, and in no definition
	}
	return TakenByInstall // log.file, too: a definition may keep the rest of the file system read-only
}

// Takes is what brings a changed key of that name, as [Keys] has it, into force
// for a service of that scope which the manager of that name keeps. What its
// definition leaves out takes a restart, and what is for another manager alone is
// in force nowhere: empty. Without a manager there is no definition.
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

// Settings are the keys of the [service] table that have another value than the
// default, and a digest of it: enough to see that a value is another one, for
// whoever may not see the value.
func (c Config) Settings() map[string]string {
	usual := map[string]string{}
	eachKey(reflect.ValueOf(defaults()), "", func(name string, _ reflect.StructField, v reflect.Value) { usual[name] = digest(v) })
	settings := map[string]string{}
	eachKey(reflect.ValueOf(c.withDefaults()), "", func(name string, _ reflect.StructField, v reflect.Value) {
		if d := digest(v); d != "" && d != usual[name] { // zero is the default
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

// ProgramSettings are the keys of the program's own tables in the file that [Config.Load]
// has read, with their tables ("feed.url"), and a digest of each value, as in
// [Config.Settings]. It is nil if c was not loaded.
func (c Config) ProgramSettings() map[string]string { return maps.Clone(c.programSettings) }

// programSettings are the ProgramSettings of a file that can be decoded.
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

// digest is short: it tells values apart that people write, and has nothing to withstand.
func digest(v reflect.Value) string {
	if v.IsZero() || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0 {
		return ""
	}
	return sum(v.Interface())
}

func sum(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // a number that JSON does not have
		text = fmt.Append(nil, value)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Differing are the names of the keys that differ between two Settings, sorted.
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

// TakenByProgram says what it takes for a change of a key of prog's own tables to take effect.
func TakenByProgram(prog Program, key string) TakenBy {
	if p, ok := prog.(PartialReloader); ok && p.NeedsRestart(key) {
		return TakenByRestart
	}
	if _, ok := prog.(Reloader); ok {
		return TakenByReload
	}
	return TakenByRestart
}
