package kardianos_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/kardianos"
	"github.com/holdfast-dev/holdfast/platform/native"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bare is a machine that has only the files of a test, and no commands.
type bare struct {
	platform.System
	files map[string]string
}

func (b bare) ReadFile(path string) ([]byte, error) {
	text, ok := b.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (b bare) WriteFile(path string, content []byte, _ fs.FileMode) error {
	b.files[path] = string(content)
	return nil
}

func (b bare) Remove(path string) error {
	if _, ok := b.files[path]; !ok {
		return fs.ErrNotExist
	}
	delete(b.files, path)
	return nil
}

func (b bare) Stat(path string) (fs.FileInfo, error) {
	if _, ok := b.files[path]; !ok {
		return nil, fs.ErrNotExist
	}
	return nil, nil //nolint:nilnil // that it is there is all that is asked for
}

func (b bare) Run(_ context.Context, argv ...string) (string, error) {
	return "", &platform.CommandError{Argv: argv, Code: -1, Err: fs.ErrNotExist}
}

// played simulates the library, for one service.
type played struct {
	service.System
	service.Service
	on     bare
	said   []string
	fail   error
	status service.Status
}

func (p *played) New(_ service.Interface, c *service.Config) (service.Service, error) {
	p.said = append(p.said, "new "+strings.Join(append([]string{c.Executable}, c.Arguments...), " "))
	return p, nil
}
func (p *played) String() string { return "played" }

func (p *played) Install() error {
	if _, there := p.on.files["/etc/init.d/feedd"]; there {
		return errors.New("init already exists")
	}
	p.on.files["/etc/init.d/feedd"] = "a script"
	if p.fail == nil {
		p.on.files["/etc/rc.d/S50feedd"] = "a link"
	}
	p.said = append(p.said, "install")
	return p.fail
}

func (p *played) Uninstall() error {
	p.said = append(p.said, "uninstall")
	delete(p.on.files, "/etc/init.d/feedd")
	return p.fail
}

func (p *played) Start() error                    { p.said = append(p.said, "start"); return p.fail }
func (p *played) Stop() error                     { p.said = append(p.said, "stop"); return p.fail }
func (p *played) Status() (service.Status, error) { return p.status, p.fail }

func unit() platform.Unit {
	return platform.Unit{
		ID: platform.ID{Name: "feedd", Scope: platform.ScopeSystem}, DisplayName: "Feed", Description: "Feeds",
		Exec: []string{"/usr/local/bin/feedd", "run", "--scope", "system"}, Reload: []string{"/usr/local/bin/feedd", "reload", "--direct"},
		Commands: platform.Commands{Await: []string{"/usr/local/bin/feedd", "await"}},
	}.WithDefaults()
}

// eachSetting visits a unit's fields, and those of the structs in it, by key.
func eachSetting(v reflect.Value, table string, visit func(key string, field reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("toml")
		if key == "" {
			key = strings.ToLower(strings.TrimPrefix(regexp.MustCompile("([A-Z])").ReplaceAllString(field.Name, "_$1"), "_"))
		}
		switch {
		case key == "-": // no configuration has it
		case field.Anonymous, key == "exec", key == "reload", key == "commands", key == "adopt", key == "claim", key == "config_file", key == "probes":
		case field.Type.Kind() == reflect.Struct:
			eachSetting(v.Field(i), table+key+".", visit)
		default:
			visit(table+key, v.Field(i))
		}
	}
}

// change changes the value of a field, to a valid one if that matters.
func change(t *testing.T, key string, field reflect.Value) {
	t.Helper()
	core, mask := uint64(7), fs.FileMode(0o077)
	special := map[string]any{
		"socket": []platform.Socket{{Name: "api", Listen: "tcp::80"}}, "umask": &mask, "limits.core": &core, "start_type": platform.StartManual, "restart.policy": platform.RestartOnAbnormal, "restart.success_exit_codes": []int{3},
		"working_directory": "/srv/work", "env": map[string]string{"A": "b"}, "launchd.extra": map[string]any{"LowPriorityIO": true}, "start_timeout": time.Hour, "stop_timeout": time.Hour,
	}
	if value, ok := special[key]; ok {
		field.Set(reflect.ValueOf(value))
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("changed")
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Int8:
		field.SetInt(int64(platform.Off))
	case reflect.Float64:
		field.SetFloat(0.5)
	case reflect.Int, reflect.Int64:
		field.SetInt(5)
	case reflect.Uint64:
		field.SetUint(5)
	case reflect.Slice:
		field.Set(reflect.ValueOf([]string{"changed"}))
	default:
		t.Fatalf("%s: teach this test what to set it to", key)
	}
}

// The library's system honours every setting, refuses it by name, or has it in the list of
// omissions. The table is part of the documentation.
func TestEverySettingByTheLibrary(t *testing.T) {
	f := kardianos.FallbackOn(bare{files: map[string]string{}}, nil, t.TempDir())
	var doc strings.Builder
	doc.WriteString("# What a service goes without where only github.com/kardianos/service can keep it\n\n" +
		"Found out by a test (`go test ./platform/kardianos -update` writes this file): by init system, what a service goes without there,\n" +
		"what is refused at install by its name, and what is left out.\n\n" +
		"It compiles for Linux, FreeBSD and illumos, and `run` needs to know processes for certain, which it does on Linux and FreeBSD alone. It does not\n" +
		"compile for Solaris and AIX: one instance is the holder of a lock by flock(2), which belongs to an open file, and the locks by fcntl(2) that are there\n" +
		"are gone when any file of that name is closed. On NetBSD, OpenBSD and DragonFly the library has no services either.\n")
	for _, name := range f.Managers() {
		m, err := f.Manager(name)
		if err != nil {
			t.Fatal(err)
		}
		plan := func(u platform.Unit) (string, error) {
			steps, err := m.Plan(t.Context(), u)
			text, e := json.Marshal(steps)
			return string(text), errors.Join(err, e)
		}
		before, err := plan(unit())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		reasons := map[string]string{}
		for _, o := range native.LeftOut(name, platform.ScopeSystem) {
			reasons[o.Key] = o.Why
		}
		var refused []string
		eachSetting(reflect.ValueOf(unit()), "", func(key string, _ reflect.Value) {
			u := unit()
			eachSetting(reflect.ValueOf(&u).Elem(), "", func(k string, field reflect.Value) {
				if k == key {
					change(t, key, field)
				}
			})
			table, _, _ := strings.Cut(key, ".")
			_, byKey := reasons[key]
			_, byTable := reasons[table]
			after, err := plan(u)
			switch {
			case errors.Is(err, platform.ErrBadUnit) && strings.Contains(err.Error(), key):
				refused = append(refused, key)
			case err != nil:
				t.Errorf("%s: %s: refused, and not by its name: %v", name, key, err)
			case before == after && !byKey && !byTable:
				t.Errorf("%s: %s is neither honoured nor refused, nor on the list of what is left out", name, key)
			case before != after && (byKey || byTable) && key != "display_name" && key != "description" && key != "stop_timeout": // a plan shows these anyway
				t.Errorf("%s: %s is on the list of what is left out, and it is honoured", name, key)
			}
		})
		fmt.Fprintf(&doc, "\n## %s\n\n", name)
		lesser, ok := m.(platform.Lesser)
		if !ok {
			t.Fatalf("%s does not say what is missing", name)
		}
		for _, what := range lesser.Missing(unit().ID) {
			fmt.Fprintf(&doc, "- %s\n", strings.ReplaceAll(what, "feedd", "NAME"))
		}
		fmt.Fprintf(&doc, "\nRefused: `%s`\n\nLeft out:\n\n", strings.Join(refused, "`, `"))
		left := map[string][]string{} // by reason
		for _, key := range slices.Sorted(maps.Keys(reasons)) {
			left[reasons[key]] = append(left[reasons[key]], key)
		}
		for _, why := range slices.SortedFunc(maps.Keys(left), func(a, b string) int { return strings.Compare(left[a][0], left[b][0]) }) {
			fmt.Fprintf(&doc, "- `%s`: %s\n", strings.Join(left[why], "`, `"), why)
		}
	}
	const golden = "FALLBACK.md"
	if *update {
		if err := os.WriteFile(golden, []byte(doc.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || doc.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%v: %s is not what was found out (-update writes it)", err, golden)
	}
}

// Words that a shell or a template would misread are refused, for every init.
func TestWordsThatTheLibraryDoesNotQuote(t *testing.T) {
	f := kardianos.FallbackOn(bare{files: map[string]string{}}, nil, t.TempDir())
	for _, name := range f.Managers() {
		m, err := f.Manager(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"a b", "$(touch /x)", "`x`", "a;b", `a"b`, "a'b", "a\\b", "a\nb", "*", "~", "é", "", "a&b", "{{x}}", "#"} {
			u := unit()
			u.Exec = append(u.Exec, "--config", word)
			if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrBadUnit) {
				t.Errorf("%s: %q: %v", name, word, err)
			}
			u = unit()
			u.DisplayName = word + "\"\n"
			if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrBadUnit) {
				t.Errorf("%s: display name %q: %v", name, u.DisplayName, err)
			}
		}
		u := unit()
		u.Scope = platform.ScopeUser
		if _, err := m.Plan(t.Context(), u); !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("%s: %v", name, err)
		}
		if st, err := m.Status(t.Context(), u.ID); err != nil || st.Installed || st.Definition != nil {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
}

// The manifest for SMF is ours, because the library's starts a program without its arguments.
func TestManifestForSMF(t *testing.T) {
	f := kardianos.FallbackOn(bare{files: map[string]string{}}, nil, t.TempDir())
	m, err := f.Manager("smf")
	if err != nil {
		t.Fatal(err)
	}
	u := unit()
	u.DisplayName, u.Exec = "Feed & <co> {{x}}", append(u.Exec, "--config=/etc/a%20b.toml")
	steps, err := m.Plan(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(steps[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	var payload struct{ Template string }
	if err := json.Unmarshal(text, &payload); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(payload.Template, "{{") {
		t.Error("the library would take something for an action")
	}
	var methods []string
	for d := xml.NewDecoder(strings.NewReader(payload.Template)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "exec_method" {
			for _, a := range e.Attr {
				if a.Name.Local == "exec" || a.Name.Local == "timeout_seconds" {
					methods = append(methods, a.Value)
				}
			}
		}
	}
	want := []string{"/usr/local/bin/feedd run --scope system --config=/etc/a%%20b.toml", "0", ":kill", "40"}
	if !slices.Equal(methods, want) {
		t.Errorf("got %q, want %q", methods, want)
	}
}

// rcs returns a manager with a simulated library, and the file of its note.
func rcs(t *testing.T) (f platform.Fallback, m platform.Manager, lib *played, on bare, note string) {
	t.Helper()
	on = bare{files: map[string]string{}}
	lib, dir := &played{on: on}, t.TempDir()
	f = kardianos.FallbackOn(on, lib, dir)
	m, err := f.Manager("rcs")
	if err != nil {
		t.Fatal(err)
	}
	return f, m, lib, on, filepath.Join(dir, "feedd.fallback")
}

// lain returns a step as it is read from a journal.
func lain(t *testing.T, s platform.Step) platform.Step {
	t.Helper()
	text, err := json.Marshal(s.Payload)
	if err != nil {
		t.Fatal(err)
	}
	s.Payload = json.RawMessage(text)
	return s
}

// An install can be repeated, and undone. A failed install leaves nothing.
func TestInstallByTheLibraryIsAStep(t *testing.T) {
	f, m, lib, on, note := rcs(t)
	first, err := m.Plan(t.Context(), unit())
	if err != nil || len(first) != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	back, err := f.Inverse(t.Context(), first[0])
	if err != nil || len(back) != 1 {
		t.Fatalf("%v, %v", back, err)
	}
	for range 2 {
		if err := f.Apply(t.Context(), lain(t, first[0])); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(lib.said, "new /usr/local/bin/feedd run --scope system") {
		t.Errorf("the library was told %q", lib.said)
	}
	// The note is read from the machine itself.
	kept := func() {
		if err := os.WriteFile(note, []byte(on.files[note]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept()
	st, err := m.Status(t.Context(), unit().ID)
	if err != nil || !st.Installed || !st.Enabled || st.Phase != platform.PhaseStopped {
		t.Errorf("%+v, %v", st, err)
	}
	if registered, is := m.(platform.Registry).Registered(t.Context(), unit().ID, first[0]); !is || !reflect.DeepEqual(registered, first[0].Payload) {
		t.Errorf("%v, and it was given %v", registered, first[0].Payload)
	}

	changed := unit()
	changed.Exec = append(changed.Exec, "--state-dir", "/srv")
	second, err := m.Plan(t.Context(), changed)
	if err != nil {
		t.Fatal(err)
	}
	older, err := f.Inverse(t.Context(), second[0])
	if err != nil || len(older) != 1 {
		t.Fatalf("%v, %v", older, err)
	}
	if err := f.Apply(t.Context(), second[0]); err != nil {
		t.Fatal(err)
	}
	after := on.files[note]
	if err := f.Apply(t.Context(), lain(t, older[0])); err != nil || on.files[note] == after || strings.Contains(on.files[note], "/srv") {
		t.Errorf("%v: what is installed was not put back: %s", err, on.files[note])
	}

	removal, err := m.Removal(t.Context(), unit().ID)
	if err != nil || len(removal) != 2 {
		t.Fatalf("%v, %v", removal, err)
	}
	if again, err := f.Inverse(t.Context(), removal[0]); err != nil || len(again) != 1 {
		t.Errorf("%v, %v", again, err)
	}
	for range 2 {
		if err := f.Apply(t.Context(), lain(t, removal[0])); err != nil {
			t.Error(err)
		}
	}
	if len(on.files) > 0 {
		t.Errorf("%v are left", on.files)
	}
	lib.fail = errors.New("no space")
	if err := f.Apply(t.Context(), first[0]); !errors.Is(err, lib.fail) || len(on.files) > 0 {
		t.Errorf("%v; %v are left", err, on.files)
	}
	if err := f.Apply(t.Context(), back[0]); err != nil {
		t.Error(err)
	}
}

// There are different errors for a service that is not installed, not ours, not permitted, or
// not of this machine.
func TestErrorsByTheLibrary(t *testing.T) {
	f, m, _, on, note := rcs(t)
	id := unit().ID
	for verb, act := range map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload} {
		if err := act(t.Context(), id); !errors.Is(err, platform.ErrNotInstalled) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if steps, err := m.Removal(t.Context(), id); len(steps) > 0 || err != nil {
		t.Errorf("%v, %v", steps, err)
	}
	on.files["/etc/init.d/feedd"] = "somebody's"
	if _, err := m.Plan(t.Context(), unit()); !errors.Is(err, platform.ErrForeign) {
		t.Error(err)
	}
	if err := m.Start(t.Context(), id); !errors.Is(err, platform.ErrForeign) {
		t.Error(err)
	}
	if _, err := m.Removal(t.Context(), id); !errors.Is(err, platform.ErrForeign) {
		t.Error(err)
	}
	delete(on.files, "/etc/init.d/feedd")
	steps, err := m.Plan(t.Context(), unit())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(t.Context(), steps[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(note, []byte(on.files[note]), 0o600); err != nil {
		t.Fatal(err)
	}
	kardianos.Unprivileged(f)
	if err := m.Start(t.Context(), id); !errors.Is(err, platform.ErrPermission) {
		t.Error(err)
	}
	if err := f.Apply(t.Context(), steps[0]); !errors.Is(err, platform.ErrPermission) {
		t.Error(err)
	}
	if err := m.Reload(t.Context(), id); !errors.Is(err, platform.ErrNotRunning) {
		t.Error(err)
	}
	if err := os.WriteFile(note, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if st, err := m.Status(t.Context(), id); err == nil || st.Phase != platform.PhaseUnknown {
		t.Errorf("%+v, %v", st, err)
	}

	elsewhere := kardianos.FallbackOn(bare{files: map[string]string{}}, nil, t.TempDir())
	if err := elsewhere.Apply(t.Context(), steps[0]); !errors.Is(err, platform.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := elsewhere.Manager("systemd"); !errors.Is(err, platform.ErrUnsupported) {
		t.Error(err)
	}
	if err := f.Apply(t.Context(), platform.Step{Kind: platform.StepFallback, Payload: json.RawMessage("{")}); err == nil {
		t.Error("half a step was carried out")
	}
}
