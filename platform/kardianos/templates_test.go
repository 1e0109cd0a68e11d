package kardianos_test

import (
	"strings"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

func config() *service.Config {
	return &service.Config{
		Name: "feed", DisplayName: "Feed", Description: "feeds", UserName: "joe", Arguments: []string{"a b", `say "hi"`},
		Dependencies: []string{"After=net.target", "Wants=x"}, EnvVars: map[string]string{"B": "2", "A": "1"},
		Option: service.KeyValue{"LimitNOFILE": 7, "KillMode": "process", "LogOutput": true},
	}
}

// Both grammars, with the library's data and functions.
func TestTemplates(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"present":            {"[Service]\nExecStart={{Path | cmdEscape}}{{range Arguments}} {{. | cmd}}{{end}}\n", "[Service]\nExecStart=/opt/a\\x20b/feed \"a b\" \"say \\\"hi\\\"\"\n"},
		"present, if":        {"{{if UserName}}User={{UserName}}{{else}}root{{end}}{{if ChRoot}}x{{else}} none{{end}}", "User=joe none"},
		"present, list":      {"{{range Dependencies}}{{.}};{{end}}{{range EnvVars}}{{.}} {{end}}", "After=net.target;Wants=x;Environment=A=1 Environment=B=2 "},
		"present, trimmed":   {"a\n{{- if Name}} b {{end -}}\nc", "a b c"},
		"present, nested":    {"{{if Arguments}}[{{range Arguments}}{{if Name}}{{.}},{{end}}{{end}}]{{end}}", `[a b,say "hi",]`},
		"present, collapsed": {"{{if OutputFileSupport}}{{LogDirectory}}/{{Name}}.out{{end}} {{LimitNOFILE}}", "/var/log/feed.out 7"},
		"plain text":         {"no action at all", "no action at all"},
		"old":                {"ExecStart={{.Path|cmdEscape}}{{range .Arguments}} {{.|cmd}}{{end}}", "ExecStart=/opt/a\\x20b/feed \"a b\" \"say \\\"hi\\\"\""},
		"old, and":           {"{{if and .LogOutput .HasOutputFileSupport -}}\nStandardOutput=file:{{.LogDirectory}}/{{.Name}}.out\n{{- end}}", "StandardOutput=file:/var/log/feed.out"},
		"old, gt":            {"{{if gt .LimitNOFILE -1 }}LimitNOFILE={{.LimitNOFILE}}{{end}}", "LimitNOFILE=7"},
		"old, range":         {"{{range $i, $d := .Dependencies}}{{$i}}{{$d}} {{end}}{{range $k, $v := .EnvVars}}{{$k}}={{$v}} {{end}}", "0After=net.target 1Wants=x A=1 B=2 "},
		"old, option":        {"{{if .Config.Option.KillMode}}KillMode={{.Config.Option.KillMode}}{{end}}{{.Option.Nothing}}", "KillMode=process<no value>"},
		"old, comment":       {"{{/* who */}}{{.UserName}}", "joe"},
		"old, launchd":       {"<{{bool .KeepAlive}}/>{{html .DisplayName}}", "<true/>Feed"},
		"old, restart":       {"{{if .Restart}}{{.Restart}}{{end}}", "always"},
	} {
		got, err := kardianos.Render("linux-systemd", "systemd", tt.text, "/opt/a b/feed", config())
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", name, err, got, tt.want)
		}
		if old := strings.HasPrefix(name, "old"); kardianos.Present(tt.text) == old {
			t.Errorf("%s: which grammar?", name)
		}
	}
}

func TestTemplatesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"{{ Name ":                     `an action "{{" has no end`,
		"{{ Missing }}":                `unknown template key "Missing"`,
		"{{ Name | nope }}":            `unknown template function "nope"`,
		"text {{end}}":                 `"end" has no beginning`,
		"{{range Name}}{{.}}{{end}}":   "is not a list",
		"{{Arguments}}":                "is a list",
		"{{.Missing}}":                 "Missing",
		"{{.Name | nope}}":             "nope",
		"{{if .Name}}":                 "unexpected EOF",
		"{{range Name}}a{{else}}b{{}}": "",
	} {
		if got, err := kardianos.Render("linux-systemd", "systemd", text, "/x", config()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// Values whose form differs between systems.
func TestTemplatesOfOtherSystems(t *testing.T) {
	const text = "{{range Dependencies}}{{.}}|{{end}}{{range EnvVars}}{{.}}|{{end}}"
	for name, tt := range map[string][2]string{
		"unix-systemv":   {"sysv", "After=net.target|Wants=x|export A=1|export B=2|"},
		"linux-openrc":   {"openrc", "\tAfter=net.target|\tWants=x|export A=1|export B=2|"},
		"darwin-launchd": {"launchd", "After=net.target|Wants=x|\t\t<key>A</key>\n\t\t<string>1</string>|\t\t<key>B</key>\n\t\t<string>2</string>|"},
	} {
		if got, err := kardianos.Render(name, tt[0], text, "/x", config()); err != nil || got != tt[1] {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDifference(t *testing.T) {
	if got, want := kardianos.Difference("a\nb\nc\n", "a\nx\nc\nd\n"), "  -b\n  +x\n  +d\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"{{Name}}", "{{if Name}}{{else}}{{end}}", "{{- range Arguments -}}{{.|cmd}}{{end}}", "{{.Name}}", "{{"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := kardianos.Render("linux-systemd", "systemd", text, "/x", config())
		if err == nil && !strings.Contains(text, "{{") && out != text {
			t.Errorf("%q became %q", text, out)
		}
	})
}
