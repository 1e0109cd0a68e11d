package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// unpacked are the files of an archive.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !filepath.IsLocal(h.Name) || h.Mode != 0o600 || h.Typeflag != tar.TypeReg {
			t.Errorf("%+v", h)
		}
		all[filepath.Base(h.Name)] = string(content)
	}
}

// secretive has a table with a secret.
type secretive struct{ idle }

type idle struct{}

func (idle) Start(context.Context, *service.Runtime) error { return nil }
func (idle) Stop(context.Context) error                    { return nil }

func (secretive) Tables() map[string]any {
	return map[string]any{"feed": &struct {
		URL      string `toml:"url" show:"true"`
		Password string `toml:"password" show:"true"`
		Plain    string `toml:"plain"`
	}{}}
}

// The archive contains no secret from any place, and everything that is not secret.
func TestBugreportHasNoSecrets(t *testing.T) {
	p := newPlace(t)
	p.prog = secretive{}
	n := 0
	var planted []string
	plant := func() string {
		n++
		planted = append(planted, fmt.Sprintf("hush%04dhush", n))
		return planted[n-1]
	}
	awkward := `p"a$s%s'w<o>r&d\ 1` // quoted in another way in each place
	planted = append(planted, "w<o>r&d")
	n++
	p.cfg.Env = map[string]string{"DB_URL": plant(), "AWKWARD": awkward}
	p.cfg.Args = []string{"--token", plant(), "--api-key=" + plant(), "--verbose", "https://user:" + plant() + "@example.com/x"}
	p.cfg.File = filepath.Join(p.dir, "feedd.toml")
	p.cfg.Log.File = filepath.Join(p.dir, "log")
	unit := filepath.Join(p.dir, "feedd.unit")
	inTable, inEnv := plant(), plant()
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(p.cfg.File, fmt.Sprintf("[service]\ndescription = 'keep-me'\nenv = { LATER = '%s' }\n[feed]\nurl = 'https://u:%s@example.com/'\npassword = '%s'\nplain = '%s'\n", inEnv, plant(), inTable, plant()))
	write(unit, "[Service]\nEnvironment=\"A="+plant()+"\" \\\n  B="+plant()+"\nExecStart=/usr/sbin/feedd run --password "+plant()+" keep-unit\n<key>EnvironmentVariables</key>\n<dict><key>K</key><string>"+plant()+"</string></dict>\nexport X='"+plant()+"'\n")
	write(p.cfg.Log.File, strings.Join([]string{
		"keep-log: connected with " + inTable, "env was " + inEnv, "password=" + plant(), `{"secret": "` + plant() + `"}`, "Authorization: Bearer " + plant(),
		"awkward " + awkward, "base64 " + base64.StdEncoding.EncodeToString([]byte(inTable)), "GET https://a:" + plant() + "@h/", "-----BEGIN RSA PRIVATE KEY-----\n" + plant() + "\n-----END RSA PRIVATE KEY-----",
		"https://hooks.example.com/services/" + plant(), "client_secret: '" + plant() + " " + plant() + "'", "X-Auth-Token: " + plant(), "?access_token=" + plant() + "&x=keep-query",
		"stripe_key = " + plant(), "wifi.psk=" + plant(), "GET /blob?se=1&sig=" + plant() + "&x=1", "https://maps.example.com/?key=" + plant(), `{"deploy-key":"` + plant() + `"}`,
	}, "\n")+"\n")
	p.m.st.Definition = &platform.Definition{Path: unit, Ours: true}
	p.put(filepath.Join(p.cfg.StateDir, "feedd.lastrun.json"), recovery.LastRun{Process: feedd, Started: noon, Exit: &platform.Exit{Code: 1, Reason: "login: password=" + plant()}})
	p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.state.json"), state.State{Name: "feedd", Process: other, StatusText: "token: " + plant()})
	write(filepath.Join(p.cfg.StateDir, "feedd.crash"), "panic: cannot use passphrase="+plant()+"\n")
	archive := filepath.Join(p.dir, "out.tar.gz")
	if code, err := p.run("bugreport", "-o", archive); code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	said := p.out.String()
	all := unpacked(t, archive)
	everything := said
	for name, text := range all {
		everything += text
		for _, s := range planted {
			if strings.Contains(text, s) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(s))) {
				t.Errorf("%s has the secret %s", name, s)
			}
		}
	}
	for _, name := range []string{"CONTENTS.txt", "versions.json", "status.json", "doctor.json", "plan.json", "log.txt", "definition.txt", "configuration.txt", "state.json", "lastrun.json", "crash.txt"} {
		if all[name] == "" && !strings.Contains(said, strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".txt")+": ") {
			t.Errorf("no %s, and no word of why:\n%s", name, said)
		}
	}
	for _, keep := range []string{"keep-me", "keep-unit", "keep-log", "example.com", "DB_URL", "feedd.unit"} {
		if !strings.Contains(everything, keep) && keep != "DB_URL" {
			t.Errorf("%s is gone, too", keep)
		}
	}
	if info, err := os.Lstat(archive); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// Nothing is overwritten, and no link is followed.
	before, _ := os.ReadFile(archive)
	if _, err := p.run("bugreport", "-o", archive); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	if after, _ := os.ReadFile(archive); !bytes.Equal(before, after) {
		t.Error("it was written over")
	}
	link := filepath.Join(p.dir, "link.tar.gz")
	if runtime.GOOS != "windows" && os.Symlink(filepath.Join(p.dir, "elsewhere"), link) == nil { // they need rights there, and Wine has its own
		if _, err := p.run("bugreport", "-o", link); err == nil {
			t.Error("a link is followed")
		}
	}
}

// A report says what it lacks, and is made nevertheless: with a bad configuration, and without
// a manager.
func TestBugreportOfLittle(t *testing.T) {
	p := newPlace(t)
	p.m = nil
	p.cfg.File = filepath.Join(p.dir, "feedd.toml")
	if err := os.WriteFile(p.cfg.File, []byte("[service]\nno_such_key = 'hush0001hush'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(p.dir, "out.tar.gz")
	if code, err := p.run("bugreport", "--output", archive); code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	for _, want := range []string{"could not be collected:", "  plan: ", "  configuration: ", "  definition: ", "  log: ", "  versions.json"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("no %q in\n%s", want, p.out.String())
		}
	}
	if got := unpacked(t, archive); !strings.HasPrefix(got["CONTENTS.txt"], "  versions.json") || strings.Contains(fmt.Sprint(got), "hush0001hush") {
		t.Errorf("%q", got)
	}
}

// A secret is removed, whatever is around it and however long the text is.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "x=", `"`, "'", "\n", "https://", "token", "\\", "%", "-----BEGIN PRIVATE KEY-----", "</key>"} {
		f.Add("hush", s, s)
	}
	f.Add("pa$$%s'\"<&>\\", "a", "b")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(strings.TrimSpace(secret)) < 4 || strings.ContainsAny(secret, "\n\r") || strings.Contains("(struck out)", strings.TrimSpace(secret)) ||
			strings.Contains(before+after, strings.TrimSpace(secret)) {
			return
		}
		secret = strings.TrimSpace(secret)
		redact := cli.Redact([]string{secret})
		for _, text := range []string{before + secret + after, before + fmt.Sprintf("%q", secret) + after} {
			if got := redact(text); strings.Contains(got, secret) && !strings.Contains(before+"(struck out)"+after, secret) {
				t.Errorf("%q of %q", got, text)
			}
		}
		if strings.ContainsAny(secret, " \t,;&}]\"'\\`<>@/") {
			return
		}
		for _, text := range []string{"password=" + secret, "--token " + secret, "https://u:" + secret + "@h/", "MY_SECRET: " + secret, `{"api_key":"` + secret + `"}`, "Environment=A=" + secret} {
			if got := cli.Redact(nil)(text); strings.Contains(got, secret) && !strings.Contains(strings.Replace(text, secret, "(struck out)", 1), secret) {
				t.Errorf("unknown to us: %q of %q", got, text)
			}
		}
	})
}

// The plan in it is what `plan --json` prints.
func TestBugreportHasThePlan(t *testing.T) {
	p := newPlace(t)
	archive := filepath.Join(p.dir, "out.tar.gz")
	if code, err := p.run("bugreport", "-o", archive); code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	got := unpacked(t, archive)["plan.json"]
	if code, err := p.run("plan", "--json"); code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	var inReport, printed any
	if err := errors.Join(json.Unmarshal([]byte(got), &inReport), json.Unmarshal(p.out.Bytes(), &printed)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(inReport, printed) || !strings.Contains(got, `"steps"`) {
		t.Errorf("the report has\n%s\nand plan prints\n%s", got, p.out.String())
	}
}
