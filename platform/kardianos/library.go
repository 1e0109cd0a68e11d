package kardianos

import (
	"maps"
	"slices"
	"strings"

	"github.com/kardianos/service"
)

// library is a system for which holdfast has no manager. It is the library's own, but also
// accepts templates in the grammar that the library had up to 1.2.4.
type library struct{ service.System }

// New returns the library's service with that addition.
func (l *library) New(i service.Interface, c *service.Config) (service.Service, error) {
	s, err := l.System.New(i, c)
	if err != nil {
		return nil, err
	}
	return &templated{Service: s, of: l, program: i, config: c}, nil
}

// templated is a service of one of the library's systems.
type templated struct {
	service.Service
	of      *library
	program service.Interface
	config  *service.Config
}

// Install renders a template in the old grammar. It passes the result, in which nothing is
// left to render, to the library.
func (t *templated) Install() error {
	key := scripts[t.of.String()]
	text := options(t.config.Option).text(key)
	if text == "" || present(text) {
		return t.Service.Install()
	}
	s := adoptee{config: t.config}
	program, err := s.executable()
	if err != nil {
		return err
	}
	out, err := renderOld(text, fieldsOf(t.config, program))
	if err != nil || strings.Contains(out, "{{") {
		return t.Service.Install() // returns the error
	}
	c := *t.config
	c.Option = maps.Clone(c.Option)
	c.Option[key] = out
	plain, err := t.of.System.New(t.program, &c)
	if err != nil {
		return err
	}
	return plain.Install()
}

// present reports whether a template is in the library's present grammar. It is if all the
// names in it exist on any system.
func present(text string) bool {
	all, err := tokens(text)
	if err != nil {
		return false
	}
	s := adoptee{config: &service.Config{}, system: &system{}}
	known := s.values("")
	for _, extra := range []string{".", "Display", "Prefix", "HasKillStanza", "HasSetUIDStanza", "LogOutput"} {
		known[extra] = ""
	}
	return !slices.ContainsFunc(all, func(t token) bool {
		words := strings.Fields(strings.ReplaceAll(t.action, "|", " | "))
		if len(words) > 0 && (words[0] == "if" || words[0] == "range") {
			words = words[1:]
		}
		switch {
		case len(words) == 0, words[0] == "end", words[0] == "else":
			return false
		case len(words) > 1 && words[1] != "|":
			return true
		}
		_, there := known[words[0]]
		return !there
	})
}
