package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/internal/secretfile"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// Settings is the table [service.cluster].
type Settings struct {
	service.ClusterSettings
	Endpoints    []string `toml:"endpoints" show:"true" help:"URLs of etcd's members: https://HOST:2379, or http:// without TLS"`
	Prefix       string   `toml:"prefix" show:"true" help:"beginning of all keys; default: /holdfast"`
	CAFile       string   `toml:"ca_file" show:"true" help:"authorities that sign etcd's certificate; default: those of the system"`
	CertFile     string   `toml:"cert_file" show:"true" help:"certificate with which the service identifies itself"`
	KeyFile      string   `toml:"key_file" show:"true" help:"its private key; nobody but the service's user, its group and root may read it"`
	User         string   `toml:"user" show:"true" help:"user of etcd; default: none"`
	PasswordFile string   `toml:"password_file" show:"true" help:"file with that user's password in one line; nobody but the service's user, its group and root may read it"`
}

// Validate returns what is wrong with the table. It reads no files.
func (s *Settings) Validate() error {
	var errs []error
	bad := func(key string, err error) { errs = append(errs, &service.FieldError{Key: key, Err: err}) }
	if len(s.Endpoints) == 0 {
		bad("endpoints", errors.New("it is required: the URLs of etcd's members"))
	}
	secure := map[string]bool{}
	for _, e := range s.Endpoints {
		u, err := url.Parse(e)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Port() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			bad("endpoints", errors.New("one of them is no URL like https://HOST:2379")) // it may have a password in it
			continue
		}
		secure[u.Scheme] = true
	}
	if len(secure) == 2 {
		bad("endpoints", errors.New("some are https and some http: the password would go over both"))
	}
	for _, f := range []struct{ key, path string }{{"ca_file", s.CAFile}, {"cert_file", s.CertFile}, {"key_file", s.KeyFile}, {"password_file", s.PasswordFile}} {
		switch {
		case f.path == "":
		case !platform.AbsoluteAnywhere(f.path):
			bad(f.key, fmt.Errorf("%q is not an absolute path", f.path))
		case f.key != "password_file" && secure["http"]:
			bad(f.key, errors.New("the endpoints are http, without TLS"))
		}
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		bad("cert_file", errors.New("cert_file and key_file need each other"))
	}
	if (s.User == "") != (s.PasswordFile == "") {
		bad("user", errors.New("user and password_file need each other"))
	}
	if strings.Contains(s.Name, "/") {
		bad("name", fmt.Errorf("%q: it is a part of etcd's keys, and must not contain a slash", s.Name))
	}
	if s.TTL != 0 && (s.TTL < time.Second || s.TTL%time.Second != 0) {
		bad("ttl", fmt.Errorf("%v: etcd counts whole seconds", s.TTL))
	}
	return errors.Join(errs...)
}

// bare reports whether a password goes over a network without TLS.
func (s *Settings) bare() bool {
	return s.User != "" && slices.ContainsFunc(s.Endpoints, func(e string) bool {
		u, err := url.Parse(e)
		if err != nil || u.Scheme != "http" {
			return false
		}
		ip, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback())
	})
}

// dialer reads the files that s names. The certificate is read again for each connection, so
// that a renewed one is used.
func (s *Settings) dialer() (*Dialer, error) {
	d := &Dialer{Endpoints: s.Endpoints, User: s.User}
	if s.PasswordFile != "" {
		var err error
		if d.Password, err = secretfile.Read(s.PasswordFile); err != nil {
			return nil, fmt.Errorf("cluster.password_file: %w", err)
		}
	}
	if strings.HasPrefix(s.Endpoints[0], "http:") {
		return d, nil
	}
	d.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("cluster.ca_file: %w", err)
		}
		d.TLS.RootCAs = x509.NewCertPool()
		if !d.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cluster.ca_file: %s has no certificate in PEM", s.CAFile)
		}
	}
	if s.CertFile != "" {
		if _, err := s.certificate(); err != nil {
			return nil, err
		}
		d.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.certificate() }
	}
	return d, nil
}

func (s *Settings) certificate() (*tls.Certificate, error) {
	if err := secretfile.Check(s.KeyFile); err != nil {
		return nil, fmt.Errorf("cluster.key_file: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("cluster.cert_file and key_file: %w", err)
	}
	return &pair, nil
}
