package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// NewTransport returns the transport for one registry host. connections bounds the idle connections that are kept:
// with fewer than there are workers, each request beyond pays for a handshake.
func NewTransport(host string, t registry.TLS, connections int) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.InsecureSkipVerify}
	for _, dir := range t.CertDirs {
		if err := addCertDir(config, filepath.Join(dir, host)); err != nil {
			return nil, err
		}
	}
	if t.CAFile != "" {
		if err := addAuthority(config, t.CAFile); err != nil {
			return nil, err
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		if err := addPair(config, t.CertFile, t.KeyFile); err != nil {
			return nil, err
		}
	}
	base := http.DefaultTransport.(*http.Transport).Clone() // proxies by environment, HTTP/2, dial timeouts
	base.TLSClientConfig = config
	base.MaxIdleConns, base.MaxIdleConnsPerHost = connections, connections
	base.IdleConnTimeout = 90 * time.Second
	return base, nil
}

// addCertDir adds what docker's folder for the host holds; a folder that is not there holds nothing.
func addCertDir(config *tls.Config, dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read docker's certificates: %w", err)
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		switch filepath.Ext(file) {
		case ".crt":
			err = addAuthority(config, file)
		case ".cert":
			err = addPair(config, file, strings.TrimSuffix(file, ".cert")+".key")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func addAuthority(config *tls.Config, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read certificate authority: %w", err)
	}
	if config.RootCAs == nil { // the system's alone are read when they are needed, which takes as long as a round trip
		if config.RootCAs, err = x509.SystemCertPool(); err != nil { // there is none on some systems
			config.RootCAs = x509.NewCertPool()
		}
	}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("read certificate authority %s: it holds no PEM certificate", file)
	}
	return nil
}

func addPair(config *tls.Config, cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("read client certificate %q with key %q: %w", cert, key, err)
	}
	config.Certificates = append(config.Certificates, pair)
	return nil
}
