package launchd

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
)

// options sets what only launchd knows: see launchd.plist(5).
func (p *propertyList) options(u platform.Unit) {
	o := u.Launchd
	p.job.ProcessType = o.ProcessType
	p.job.SessionCreate = o.SessionCreate
	p.RefuseIf(u.Scope == platform.ScopeUser && o.SessionCreate, "launchd.session_create", "is for system services: a user service runs in the user's session")
	p.RefuseIfNot("launchd.process_type", platform.OneOf(o.ProcessType, platform.LaunchdProcessTypes()))
	p.RefuseIf(u.Scope == platform.ScopeSystem && len(o.SessionTypes) > 0,
		"launchd.session_types", "%q: is for user services", o.SessionTypes)
	for _, session := range o.SessionTypes {
		p.RefuseIfNot("launchd.session_types", platform.OneOf(session, platform.LaunchdSessionTypes()))
	}
	for _, key := range slices.Sorted(maps.Keys(o.Extra)) {
		if err := errors.Join(sayable(key), checkExtra(key, o.Extra[key])); err != nil {
			p.Refuse("launchd.extra", "%q: %w", key, err)
		}
	}
}

// elsewhere lists keys of launchd that other settings of ours control.
var elsewhere = []string{"Program", "Disabled"}

func checkExtra(key string, value any) error {
	ours := slices.ContainsFunc(reflect.VisibleFields(reflect.TypeFor[job]()), func(f reflect.StructField) bool { return f.Name == key })
	if ours || slices.Contains(elsewhere, key) {
		return errors.New("is generated from the rest of the configuration")
	}
	return checkValue(reflect.ValueOf(value))
}

// checkValue refuses a value that a property list cannot represent.
func checkValue(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Interface:
		return checkValue(v.Elem())
	case reflect.String:
		return sayable(v.String())
	case reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkValue(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			break
		}
		for entries := v.MapRange(); entries.Next(); {
			if err := errors.Join(checkValue(entries.Key()), checkValue(entries.Value())); err != nil {
				return err
			}
		}
		return nil
	default:
	}
	return fmt.Errorf("%v: is not a string, number, boolean, array or table", v)
}

// marshal encodes a job with further keys.
func marshal(j job, extra map[string]any) ([]byte, error) {
	content, err := plist.MarshalIndent(j, plist.XMLFormat, "\t")
	if err != nil || len(extra) == 0 {
		return content, err
	}
	var all map[string]any
	if _, err := plist.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, extra)
	return plist.MarshalIndent(all, plist.XMLFormat, "\t")
}
