package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// internet starts a proxy that hands every request for https to a transport, and returns the environment in which a
// program uses it. So the program runs as it is released, with the real names of a service and TLS, and meets the fake of
// that service. What the transport does not take is answered with 502.
func internet(t *testing.T, service http.RoundTripper) []string {
	t.Helper()
	authority := newAuthority(t)
	inside := make(tunnels)
	server := &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", r.In.Host, r.In.Host
			},
			Transport: service,
		},
		ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = server.Serve(tls.NewListener(inside, &tls.Config{GetCertificate: authority.certificate})) }()
	t.Cleanup(func() { _ = server.Close() })
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "https alone", http.StatusForbidden)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
			_ = conn.Close()
			return
		}
		select {
		case inside <- conn:
		case <-t.Context().Done():
			_ = conn.Close()
		}
	}))
	t.Cleanup(proxy.Close)
	return []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + authority.file}
}

// tunnels is a listener of the connections that a proxy has taken.
type tunnels chan net.Conn

// Accept waits for the next one.
func (c tunnels) Accept() (net.Conn, error) {
	conn, open := <-c
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// Close ends the listener.
func (c tunnels) Close() error { close(c); return nil }

// Addr is nobody's.
func (tunnels) Addr() net.Addr { return &net.TCPAddr{} }

// authority issues certificates for whatever host is asked for.
type authority struct {
	file string // its own certificate
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := template("the internet of a test")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return authority{file, root, key}
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func (a authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaf := template(hello.ServerName)
	leaf.DNSNames = []string{hello.ServerName}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.root, a.key.Public(), a.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, err
}

// toFake is the transport to a fake that people run under names of their own. It takes requests for one host.
type toFake struct{ name, host string }

// RoundTrip sends a request to the fake, which sees the name in [http.Request.Host].
func (f toFake) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != f.name {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", f.host, f.name
	return http.DefaultTransport.RoundTrip(r)
}
