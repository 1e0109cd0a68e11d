package kardianos

import (
	"errors"
	"fmt"
	"html"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
)

// scripts has the options that contain a template, by the system that reads them.
var scripts = map[string]string{
	"linux-systemd": "SystemdScript", "linux-upstart": "UpstartScript", "linux-openrc": "OpenRCScript", "linux-rcs": "RCSScript",
	"linux-procd": "SysvScript", "unix-systemv": "SysvScript", "darwin-launchd": "LaunchdConfig", "freebsd": "SysvScript",
	"aix-ssrc": "SysvScript", "solaris-smf": "SysvScript",
}

// script returns the custom template for the system with that name, or "".
func (o options) script(system string) string { return o.text(scripts[system]) }

// byTemplate replaces the definition by the rendered template of the program, if it has one.
func (s *adoptee) byTemplate(steps []platform.Step, program string) ([]platform.Step, error) {
	text := s.options().script(s.system.String())
	if text == "" {
		return steps, nil
	}
	out, err := s.render(text, program)
	if err != nil {
		return nil, fmt.Errorf("option %s: %w", scripts[s.system.String()], err)
	}
	step := s.definitionOf(steps)
	if step == nil {
		return nil, fmt.Errorf("option %s: %w: there is no file for it", scripts[s.system.String()], errors.ErrUnsupported)
	}
	step.Content = []byte(out)
	return steps, nil
}

// render renders a template in the library's own grammar or, if it is not in that, in the
// grammar of text/template, which the library had up to 1.2.4.
func (s *adoptee) render(text, program string) (string, error) {
	out, err := render(text, s.values(program), pipes)
	if err == nil {
		return out, nil
	}
	old, oldErr := renderOld(text, s.fields(program))
	if oldErr != nil {
		return "", fmt.Errorf("%w; and as text/template: %w", err, oldErr)
	}
	return old, nil
}

// pipes are the functions of both grammars. In the old grammar the last one is that of
// text/template itself.
var pipes = functions{
	"cmd":       func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` },
	"cmdEscape": func(s string) string { return strings.ReplaceAll(s, " ", `\x20`) },
	"html":      html.EscapeString,
}

// values returns everything that the library's templates may name on any system. Values whose
// form differs are those for this system.
func (s *adoptee) values(program string) values {
	c, o := s.config, s.options()
	logOutput, limit := "", ""
	if o.flag("LogOutput") {
		logOutput = "yes"
	}
	if n := o.number("LimitNOFILE", -1); n > -1 {
		limit = strconv.Itoa(n)
	}
	f := s.fields(program)
	v := values{
		"Name": c.Name, "DisplayName": c.DisplayName, "Description": c.Description, "Path": program, "Arguments": c.Arguments,
		"Dependencies": c.Dependencies, "ChRoot": c.ChRoot, "WorkingDirectory": c.WorkingDirectory, "UserName": c.UserName,
		"ReloadSignal": f.ReloadSignal, "PIDFile": f.PIDFile, "LogDirectory": f.LogDirectory, "OutputFileSupport": logOutput,
		"LimitNOFILE": limit, "Restart": f.Restart, "SuccessExitStatus": f.SuccessExitStatus,
		"KeepAlive": strconv.FormatBool(f.KeepAlive), "RunAtLoad": strconv.FormatBool(f.RunAtLoad), "SessionCreate": strconv.FormatBool(f.SessionCreate),
		"StandardOutPath": f.StandardOutPath, "StandardErrorPath": f.StandardErrorPath,
	}
	line := func(k, value string) string { return "export " + k + "=" + value }
	switch s.system.manager {
	case "systemd":
		line = func(k, value string) string { return "Environment=" + k + "=" + value }
	case "launchd":
		line = func(k, value string) string {
			return "\t\t<key>" + html.EscapeString(k) + "</key>\n\t\t<string>" + html.EscapeString(value) + "</string>"
		}
	case "openrc":
		var indented []string
		for _, d := range c.Dependencies {
			indented = append(indented, "\t"+d)
		}
		v["Dependencies"] = indented
	}
	var env []string
	for _, k := range slices.Sorted(maps.Keys(c.EnvVars)) {
		env = append(env, line(k, c.EnvVars[k]))
	}
	v["EnvVars"] = env
	return v
}

// fields has everything that templates in the old grammar may name on any system.
type fields struct {
	*service.Config
	Path string

	HasOutputFileSupport, LogOutput            bool
	HasKillStanza, HasSetUIDStanza             bool
	ReloadSignal, PIDFile                      string
	LimitNOFILE                                int
	Restart, SuccessExitStatus                 string
	LogDirectory                               string
	KeepAlive, RunAtLoad, SessionCreate        bool
	StandardOutPath, StandardErrorPath, Prefix string
}

func (s *adoptee) fields(program string) fields {
	f := fieldsOf(s.config, program)
	logs := s.options().text("LogDirectory")
	if s.system.manager == "launchd" {
		if logs == "" && s.id().Scope == platform.ScopeUser {
			logs, _ = os.UserHomeDir()
		} else if logs == "" {
			logs = "/var/log"
		}
		f.StandardOutPath, f.StandardErrorPath = logs+"/"+s.config.Name+".out.log", logs+"/"+s.config.Name+".err.log"
	}
	return f
}

func fieldsOf(c *service.Config, program string) fields {
	o := options(c.Option)
	f := fields{
		Config: c, Path: program, HasOutputFileSupport: true, LogOutput: o.flag("LogOutput"), HasKillStanza: true, HasSetUIDStanza: true,
		ReloadSignal: o.text("ReloadSignal"), PIDFile: o.text("PIDFile"), LimitNOFILE: o.number("LimitNOFILE", -1),
		Restart: "always", SuccessExitStatus: o.text("SuccessExitStatus"), LogDirectory: "/var/log",
		KeepAlive: o.or("KeepAlive", true), RunAtLoad: o.flag("RunAtLoad"), SessionCreate: o.flag("SessionCreate"), Prefix: "application",
	}
	for key, field := range map[string]*string{"Restart": &f.Restart, "LogDirectory": &f.LogDirectory, "Prefix": &f.Prefix} {
		if o.said(key) {
			*field = o.text(key)
		}
	}
	return f
}

// renderOld renders a template in the grammar of text/template.
func renderOld(text string, f fields) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"cmd": pipes["cmd"], "cmdEscape": pipes["cmdEscape"], "bool": strconv.FormatBool,
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, f); err != nil {
		return "", err
	}
	return out.String(), nil
}
