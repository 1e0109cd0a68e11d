package kardianos

import (
	"path/filepath"
	"strings"
)

// outputs are the files that the library's definitions have a service's standard output
// and standard error written to. What comes before Run is in holdfast's own file.
func (s *adoptee) outputs() (out, err string) {
	if s.system.manager == "launchd" {
		f := s.fields("")
		return f.StandardOutPath, f.StandardErrorPath
	}
	dir := "/var/log"
	if d := s.options().text("LogDirectory"); d != "" {
		dir = strings.TrimSuffix(d, "/")
	}
	name := s.config.Name
	if s.system.starter == "openrc" { // which names them after the program
		program, e := s.executable()
		if e != nil {
			return "", ""
		}
		if image, e := filepath.EvalSymlinks(program); e == nil {
			program = image
		}
		name = filepath.Base(program)
	}
	return dir + "/" + name + ".log", dir + "/" + name + ".err"
}

// keepOutput has what is printed from now on go where it always went: there are
// people, and logrotate(8), that look for it.
func (s *adoptee) keepOutput() {
	if s.system.starter != "sysv" && s.system.starter != "openrc" && (s.system.manager != "launchd" || s.Interactive()) {
		return
	}
	out, err := s.outputs()
	if out != "" {
		appendTo(out, 1)
		appendTo(err, 2)
	}
}
