package runner

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const secureScheme = "https://"

// urlOf returns the URL of an address, which may be one already.
func urlOf(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// files are the files that take effect at the next start.
func (c *config) files() [4]string { return [4]string{c.TokenFile, c.CertFile, c.KeyFile, c.CAFile} }

// secure returns how clients reach the API at an address, and how it serves TLS, or nil if it
// does not.
func (c *config) secure(address string) (string, *tls.Config, error) {
	if c.CertFile == "" {
		return address, nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return "", nil, fmt.Errorf("jobs.cert_file and key_file: %w", err)
	}
	return secureScheme + address, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}

// newClient returns a client of the primary, which is at one of the addresses: HOST:PORT, or
// https://HOST:PORT, with commas between them. With a token it talks only to a primary that
// proves who it is: by its certificate, or by the token.
func newClient(addresses, token, caFile string) (client, error) {
	c := client{token: token, turn: new(atomic.Int64), http: http.DefaultClient}
	secure := 0
	for text := range strings.SplitSeq(addresses, ",") {
		u, err := url.Parse(urlOf(strings.TrimSpace(text)))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() == "" || u.Path != "" || u.User != nil {
			return c, fmt.Errorf("%q is neither HOST:PORT nor https://HOST:PORT", text)
		}
		if u.Scheme == "https" {
			secure++
		}
		c.addresses = append(c.addresses, u.String())
	}
	switch secure {
	case 0:
		if token != "" {
			c.http = proving(token)
		}
		return c, nil
	case len(c.addresses):
	default:
		return c, errors.New("some addresses are https and some are not: the token would go over both")
	}
	trusted := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return c, fmt.Errorf("ca_file: %w", err)
		}
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(pem) {
			return c, fmt.Errorf("ca_file: %s has no certificate in PEM", caFile)
		}
	}
	c.http = &http.Client{Transport: &http.Transport{IdleConnTimeout: time.Minute, TLSClientConfig: trusted, TLSHandshakeTimeout: proofTime}}
	return c, nil
}
