package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// tableName is the name of the table within [service].
const tableName = "metrics"

// settings is the table.
type settings struct {
	Listen      string `toml:"listen" show:"true" help:"HOST:PORT, or unix:/PATH; default: it does not listen"`
	AllowRemote bool   `toml:"allow_remote" show:"true" help:"allow an address that other machines can connect to"`
	SocketMode  string `toml:"socket_mode" show:"true" help:"mode of the unix socket, octal; who may write to it can connect"`
	Required    bool   `toml:"required" show:"true" help:"fail the start if it cannot listen; otherwise that is logged and tried again"`

	Textfile         string        `toml:"textfile" show:"true" help:"absolute path of a file NAME.prom in the directory of node_exporter's textfile collector; default: none is written"`
	TextfileMode     string        `toml:"textfile_mode" show:"true" help:"mode of that file, octal"`
	TextfileInterval time.Duration `toml:"textfile_interval" show:"true" help:"time between two writes of it"`
}

func defaults() *settings {
	return &settings{SocketMode: "0600", TextfileMode: "0644", TextfileInterval: 15 * time.Second}
}

// leastInterval keeps the textfile from using too much of the service's time.
const leastInterval = time.Second

// Validate returns what is wrong with the table.
func (s *settings) Validate() error {
	var errs []error
	bad := func(key string, err error) {
		if err != nil {
			errs = append(errs, &service.FieldError{Key: key, Err: err})
		}
	}
	if s.Listen != "" {
		_, err := s.address()
		bad("listen", err)
	}
	_, err := mode(s.SocketMode)
	bad("socket_mode", err)
	_, err = mode(s.TextfileMode)
	bad("textfile_mode", err)
	if s.Textfile != "" && (!platform.AbsoluteAnywhere(s.Textfile) || filepath.Ext(s.Textfile) != ".prom") {
		bad("textfile", fmt.Errorf("%q is not the absolute path of a file NAME.prom, and node_exporter reads only such files", s.Textfile))
	}
	if s.TextfileInterval < leastInterval {
		bad("textfile_interval", fmt.Errorf("%v is too short: use at least %v", s.TextfileInterval, leastInterval))
	}
	return errors.Join(errs...)
}

func mode(text string) (fs.FileMode, error) {
	m, err := strconv.ParseUint(text, 8, 32)
	if err != nil || m > 0o777 {
		return 0, fmt.Errorf("%q is not an octal mode like \"0660\"", text)
	}
	return fs.FileMode(m), nil
}

// An address is where to listen.
type address struct {
	network string // tcp or unix
	at      string
}

func (a address) String() string {
	if a.network == "unix" {
		return "unix:" + a.at
	}
	return a.at
}

func (s *settings) address() (address, error) {
	if path, ok := strings.CutPrefix(s.Listen, "unix:"); ok {
		if !platform.AbsoluteAnywhere(path) {
			return address{}, fmt.Errorf("%q: the path of a socket has to be absolute, as in unix:/run/NAME/metrics.sock", s.Listen)
		}
		return address{"unix", path}, nil
	}
	at := strings.TrimPrefix(s.Listen, "tcp:")
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return address{}, fmt.Errorf("%q is neither HOST:PORT, as in 127.0.0.1:9100, nor unix:/PATH", s.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return address{}, fmt.Errorf("%q: the port has to be a number up to 65535", s.Listen)
	}
	if !s.AllowRemote && !loopback(host) {
		return address{}, fmt.Errorf("%q can be reached from other machines: use 127.0.0.1, [::1], localhost or a unix socket, or set allow_remote = true", s.Listen)
	}
	return address{"tcp", at}, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
