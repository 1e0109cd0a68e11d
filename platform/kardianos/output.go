package kardianos

import (
	"path/filepath"
	"strings"
)

// outputs returns the files to which the library's definitions write a service's standard
// output and standard error. Output before Run goes to holdfast's own file.
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
	if s.system.starter == "openrc" { // the library names them after the program there
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

// keepOutput redirects further output to the files of the library, because people and
// logrotate(8) expect it there.
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
