package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes files with a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secretDER)
}

// serveAt serves a new store and returns its URL, and the password of admin.
func serveAt(t *testing.T, args ...string) (p *process, url, password string) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p = start(t, nil, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)
	url = p.waitFor("REST API")
	p.waitFor("Account ")
	secret, err := os.ReadFile(filepath.Join(data, "admin-password"))
	if err != nil {
		t.Fatal(err)
	}
	return p, url, strings.TrimSpace(string(secret))
}

func TestServesHTTPS(t *testing.T) {
	cert, key := certificate(t)
	p, url, password := serveAt(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("the URL is %s", url)
	}
	session := strings.TrimSuffix(url, "/hatrac") + "/authn/session"
	jar := filepath.Join(t.TempDir(), "jar")
	curl := func(args ...string) string {
		t.Helper()
		return output(t, "", "curl", append([]string{"-sS", "--cacert", cert, "-b", jar, "-c", jar}, args...)...)
	}
	head := curl("-D", "-", "-o", os.DevNull, "-d", "username=admin", "--data-urlencode", "password="+password, session)
	if !strings.HasPrefix(head, "HTTP/2 200") || !strings.Contains(head, "; Secure") {
		t.Errorf("the login is answered\n%s", head)
	}
	content := strings.Repeat("x", 1<<20)
	file := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	curl("-T", file, url+"/o")
	if got := curl(url + "/o"); got != content {
		t.Errorf("%d bytes come back, of %d", len(got), len(content))
	}
	p.stop()
}

func TestSpeaksHTTP2BehindAProxy(t *testing.T) {
	p, url, _ := serveAt(t)
	got := output(t, "", "curl", "-sS", "--http2-prior-knowledge", "-o", os.DevNull, "-w", "%{http_version} %{http_code}", url+"/")
	if got != "2 401" {
		t.Errorf("got %q", got)
	}
	p.stop()
}

func TestWrongCertificateIsASentence(t *testing.T) {
	cert, _ := certificate(t)
	_, key := certificate(t)
	for _, args := range [][]string{{"--tls-cert", cert, "--tls-key", key}, {"--tls-cert", "none", "--tls-key", key}} {
		code, _, stderr := call(t, t.TempDir(), "", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
		if code != 1 || !strings.HasPrefix(stderr, "hatrac: the certificate cannot be used") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	}
	code, _, stderr := call(t, t.TempDir(), "", "serve", "--tls-cert", cert)
	// The key may come from the file or the environment as well, so this is no wrong usage.
	if code != 1 || !strings.Contains(stderr, "tls_cert and tls_key must be given together") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
