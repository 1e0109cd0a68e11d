package migrate

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isWinSW(_, text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = anyCharset
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local == "service"
		}
	}
}

// anyCharset ignores the declared charset, because the text is UTF-8 already.
func anyCharset(_ string, r io.Reader) (io.Reader, error) { return r, nil }

// An element is an XML element of WinSW: text, attributes and child elements.
type element struct {
	XMLName    xml.Name
	Attributes []xml.Attr `xml:",any,attr"`
	Text       string     `xml:",chardata"`
	In         []element  `xml:",any"`
}

func (e element) attribute(name string) string {
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

func (e element) text() string { return strings.TrimSpace(e.Text) }

// readWinSW reads the XML configuration file of WinSW 2 and 3.
func readWinSW(f *Found, text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = anyCharset
	var root element
	if err := d.Decode(&root); err != nil {
		return err
	}
	f.Kind, f.Manager = "WinSW configuration", "scm"
	c := &f.Config
	*c = service.Config{Restart: service.Restart{Policy: platform.RestartNever}}
	c.Windows.Start = platform.WindowsAuto
	var arguments, actions []string
	for _, e := range root.In {
		value := e.text()
		switch key := strings.ToLower(e.XMLName.Local); key {
		case "id":
			f.Name = value
		case "name":
			c.DisplayName = value
		case "description":
			c.Description = strings.Join(strings.Fields(value), " ")
		case "executable":
			f.Command = append([]string{value}, f.Command...)
		case "arguments", "startargument", "startarguments":
			arguments = append(arguments, windowsWords(value)...)
		case "workingdirectory":
			f.lose(key, value, "a holdfast service starts in the directory that Windows chooses: use absolute paths")
		case "env":
			if c.Env == nil {
				c.Env = map[string]string{}
			}
			c.Env[e.attribute("name")] = e.attribute("value")
		case "depend":
			c.Windows.Dependencies = append(c.Windows.Dependencies, value)
		case "startmode":
			f.windowsStart(value)
		case "delayedautostart":
			if value == "" || strings.EqualFold(value, "true") {
				c.Windows.Start = platform.WindowsDelayed
			}
		case "onfailure":
			actions = append(actions, e.attribute("action"))
			f.onFailure(e.attribute("action"), e.attribute("delay"))
		case "resetfailure":
			if d, err := parseSpan(value); err == nil {
				c.Restart.Window = d
			}
		case "stoptimeout":
			if d, err := parseSpan(value); err == nil {
				c.StopTimeout = d
			} else {
				f.lose(key, value, "%v", err)
			}
		case "serviceaccount":
			f.account(e)
		case "log", "logmode", "logpath":
			f.lose(key, value, "holdfast has its own log: see log.sink and log.file")
		default:
			f.lose(e.XMLName.Local, value, "no counterpart")
		}
	}
	f.Command = append(f.Command, arguments...)
	if n := len(actions); n > 0 && slices.Index(actions, "none") != n-1 {
		c.Restart.Max = platform.NoLimit // WinSW repeats the last action
	} else if n > 1 {
		c.Restart.Max = n - 1
	}
	if len(f.Command) == 0 {
		return errors.New("it names no executable")
	}
	return nil
}

func (f *Found) windowsStart(mode string) {
	w := &f.Config.Windows
	switch strings.ToLower(mode) {
	case "automatic", "auto":
		w.Start = platform.WindowsAuto
	case "manual":
		w.Start = platform.WindowsManual
	case "disabled":
		w.Start = platform.WindowsDisabled
	default:
		f.lose("start mode", mode, "Windows has no driver's start for a program")
	}
}

func (f *Found) onFailure(action, delay string) {
	r := &f.Config.Restart
	switch strings.ToLower(action) {
	case "restart":
		r.Policy = platform.RestartOnFailure
		if d, err := parseSpan(strings.ToLower(delay)); err == nil && r.Delay == 0 {
			r.Delay = d
		}
	case "reboot":
		f.Config.Windows.GiveUp = platform.WindowsReboot
	}
}

func (f *Found) account(e element) {
	var domain, user string
	for _, in := range e.In {
		switch strings.ToLower(in.XMLName.Local) {
		case "domain":
			domain = in.text()
		case "user", "username":
			user = in.text()
		case "password":
			f.lose("serviceaccount.password", "", "name a file that holds it in windows.password_file")
		}
	}
	if domain != "" {
		user = domain + `\` + user
	}
	f.Config.User = user
}
