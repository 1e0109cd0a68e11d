package migrate_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/migrate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// described returns all that was found, in a form for people.
func described(t *testing.T, f *migrate.Found) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s, %s, %q, scope %s\n# %q\n", f.Kind, f.Manager, f.Name, f.Scope, f.Command)
	if err := service.WriteConfig(&b, f.Config); err != nil {
		t.Fatal(err)
	}
	for _, l := range f.Lost {
		fmt.Fprintf(&b, "# lost: %s = %q: %s\n", l.Key, l.Value, l.Why)
	}
	return b.String()
}

// Beside each definition in testdata is the expected result. Each result is a usable
// configuration.
func TestDefinitions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in.*")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := migrate.Read(strings.Replace(file, ".in.", ".", 1), string(text))
			if err != nil {
				t.Fatal(err)
			}
			got := described(t, f)
			golden := strings.SplitN(file, ".in.", 2)[0] + "." + strings.TrimPrefix(filepath.Ext(file), ".") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("%v: is not %s (-update writes it):\n%s", err, golden, got)
			}
			usable(t, f)
		})
	}
}

// usable writes the configuration to a file and loads it.
func usable(t *testing.T, f *migrate.Found) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "feedd.toml")
	var b bytes.Buffer
	if err := service.WriteConfig(&b, f.Config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := service.Config{Name: "feedd", File: file}.Load()
	if err != nil {
		t.Errorf("%v\n%s", err, &b)
		return
	}
	want := f.Config
	want.Name = "feedd"
	if a, b := want.Settings(), loaded.Settings(); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the file says\n%v\nand not\n%v", b, a)
	}
}

// A definition in UTF-16, as Windows writes it, is read like any other.
func TestUTF16(t *testing.T) {
	text, err := os.ReadFile("testdata/feedd.in.reg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := migrate.Read("feedd.reg", string(text))
	if err != nil {
		t.Fatal(err)
	}
	wide := []byte{0xff, 0xfe}
	for _, r := range strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n", "\r\n") {
		wide = append(wide, byte(r), byte(r>>8))
	}
	got, err := migrate.Read("feedd.reg", string(wide))
	if err != nil || described(t, got) != described(t, want) {
		t.Errorf("%v\n%s", err, described(t, got))
	}
}

func TestWhatIsNoDefinition(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "a text": "hello", "another unit": "[Timer]\nOnCalendar=daily\n", "another XML file": "<project/>",
	} {
		if f, err := migrate.Read("feedd", text); !errors.Is(err, migrate.ErrUnknown) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for name, text := range map[string]string{
		"no command":       "[program:feedd]\nuser=feed\n",
		"two programs":     "[program:a]\ncommand=/a\n[program:b]\ncommand=/b\n",
		"no executable":    "<service><id>feedd</id></service>",
		"a broken XML":     "<service><id>feedd</service>",
		"a broken plist":   "<!DOCTYPE plist><plist><dict>",
		"not NSSM's":       "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\feedd]\n\"Start\"=dword:00000002\n",
		"an open question": "[program:a]\ncommand=\"/a\n",
	} {
		if f, err := migrate.Read("feedd", text); err == nil || errors.Is(err, migrate.ErrUnknown) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

// Any text gives either an error or a configuration that can be written.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.in.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(file), string(text))
	}
	f.Fuzz(func(t *testing.T, file, text string) {
		found, err := migrate.Read(file, text)
		if err != nil {
			return
		}
		if slices.Contains(found.Command, "\x00") {
			t.Errorf("%q", found.Command)
		}
		_ = described(t, found)
	})
}

// Every kind of definition that holdfast writes is recognised as its own.
func TestOurs(t *testing.T) {
	for file, text := range map[string]string{
		"feedd.service": "# Made by holdfast for a unit\n[Service]\nExecStart=/usr/bin/feedd run\n",
		"feedd":         "#!/bin/sh\n# Made by holdfast\ncmd=/usr/bin/feedd\n",
		"feedd.plist":   `<plist version="1.0"><dict><key>Holdfast</key><dict><key>Made</key><string>Made by holdfast: the next install replaces this file</string></dict></dict></plist>`,
	} {
		for _, made := range []bool{true, false} {
			if !made {
				text = strings.ReplaceAll(text, "Made by holdfast", "Not made by holdfast")
			}
			if f, err := migrate.Read(file, text); err != nil || f.Ours != made {
				t.Errorf("%s: %v, %+v", file, err, f)
			}
		}
	}
}
