package formats_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// clearOTelEnv unsets what the machine that runs the test may have set.
func clearOTelEnv(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	clearOTelEnv(t)
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// A base endpoint gets the path of logs; an endpoint for logs is used as it is.
func TestOTLPFromEnvEndpoint(t *testing.T) {
	const base, logs = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "http://localhost:4318/v1/logs"},
		{map[string]string{base: "https://collector"}, "https://collector/v1/logs"},
		{map[string]string{base: "http://collector:4318/"}, "http://collector:4318/v1/logs"},
		{map[string]string{base: "http://collector/otlp?a=b"}, "http://collector/otlp/v1/logs?a=b"},
		{map[string]string{logs: "http://collector/mine"}, "http://collector/mine"},
		{map[string]string{logs: "http://collector"}, "http://collector"},
		{map[string]string{base: "http://other", logs: "http://collector/mine"}, "http://collector/mine"},
		{map[string]string{base: "http://collector", logs: ""}, "http://collector/v1/logs"},
	} {
		setenv(t, test.env)
		got, _, err := formats.OTLPFromEnv()
		if err != nil || got != test.want {
			t.Errorf("with %v: endpoint %q, error %v, want %q", test.env, got, err, test.want)
		}
	}
}

// What is not set keeps slogship's default; the form for logs replaces the
// general one, header by header too.
func TestOTLPFromEnvOptions(t *testing.T) {
	setenv(t, nil)
	_, o, err := formats.OTLPFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if o.Compression != slogship.Gzip || o.RequestTimeout != 0 || o.FlushInterval != 0 || o.MaxPending != 0 ||
		o.BatchRecords != 0 || o.Client != nil || len(o.Header) != 0 || o.Level != nil {
		t.Errorf("without variables: %+v, want the zero Options with a Format", o)
	}

	setenv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS":       "authorization=general,x-general=1",
		"OTEL_EXPORTER_OTLP_LOGS_HEADERS":  "authorization=Bearer%20a%2Cb , x-scope-orgid = shop",
		"OTEL_EXPORTER_OTLP_COMPRESSION":   "gzip",
		"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT":  "2500",
		"OTEL_EXPORTER_OTLP_TIMEOUT":       "1",
		"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json",
		"OTEL_EXPORTER_OTLP_PROTOCOL":      "grpc",
		"OTEL_BLRP_SCHEDULE_DELAY":         "5000",
		"OTEL_BLRP_MAX_QUEUE_SIZE":         "2048",
		"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE":  "512",
		"OTEL_BLRP_EXPORT_TIMEOUT":         "30000",
	})
	t.Setenv("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none")
	_, o, err = formats.OTLPFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if o.Header.Get("Authorization") != "Bearer a,b" || o.Header.Get("X-Scope-OrgID") != "shop" || len(o.Header) != 2 {
		t.Errorf("Header is %v, want the two of OTEL_EXPORTER_OTLP_LOGS_HEADERS, decoded", o.Header)
	}
	if o.Compression != slogship.None {
		t.Errorf("Compression is %v, want none", o.Compression)
	}
	if o.RequestTimeout != 2500*time.Millisecond || o.FlushInterval != 5*time.Second {
		t.Errorf("RequestTimeout is %v, FlushInterval %v, want 2.5s and 5s", o.RequestTimeout, o.FlushInterval)
	}
	if o.MaxPending != 2048 || o.BatchRecords != 512 {
		t.Errorf("MaxPending is %d, BatchRecords %d, want 2048 and 512", o.MaxPending, o.BatchRecords)
	}
	if got := o.Format.Layout().ContentType; got != "application/json" {
		t.Errorf("the Format sends %s, want application/json", got)
	}
}

// The processor's time for an export bounds the exporter's time for a request.
func TestOTLPFromEnvTimeout(t *testing.T) {
	for _, test := range []struct {
		request, export string
		want            time.Duration
	}{
		{"", "", 0},
		{"2000", "", 2 * time.Second},
		{"", "3000", 3 * time.Second},
		{"2000", "3000", 2 * time.Second},
		{"4000", "3000", 3 * time.Second},
		{"0", "", time.Nanosecond}, // a zero option would be slogship's default
	} {
		setenv(t, map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": test.request, "OTEL_BLRP_EXPORT_TIMEOUT": test.export})
		_, o, err := formats.OTLPFromEnv()
		if err != nil || o.RequestTimeout != test.want {
			t.Errorf("timeouts %q and %q: %v, error %v, want %v", test.request, test.export, o, err, test.want)
		}
	}
}

// The service's name and the resource's attributes are in each request.
func TestOTLPFromEnvResource(t *testing.T) {
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}))
	defer server.Close()
	setenv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":    server.URL,
		"OTEL_EXPORTER_OTLP_COMPRESSION": "none",
		"OTEL_EXPORTER_OTLP_PROTOCOL":    "http/json",
		"OTEL_SERVICE_NAME":              "shop",
		"OTEL_RESOURCE_ATTRIBUTES":       "service.name=other, deployment.environment.name=pre%20prod ,",
	})
	endpoint, o, err := formats.OTLPFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	h, err := slogship.New(endpoint, o)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(h).Info("order placed")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"key":"service.name","value":{"stringValue":"shop"}}`,
		`{"key":"deployment.environment.name","value":{"stringValue":"pre prod"}}`,
		`order placed`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the request %s has no %s", body, want)
		}
	}
	if strings.Contains(body, "other") {
		t.Errorf("OTEL_SERVICE_NAME does not win in %s", body)
	}
}

// A disabled SDK ships nothing; other words than true are no way to say so.
func TestOTLPFromEnvDisabled(t *testing.T) {
	for value, disabled := range map[string]bool{"true": true, "TRUE": true, "false": false, "": false} {
		setenv(t, map[string]string{"OTEL_SDK_DISABLED": value})
		_, o, err := formats.OTLPFromEnv()
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Level != nil && o.Level.Level() > slog.LevelError+1000; got != disabled {
			t.Errorf("OTEL_SDK_DISABLED=%s: Level is %v", value, o.Level)
		}
	}
}

// Each variable that breaks its rule is named, all of them at once, and no
// header's value is shown.
func TestOTLPFromEnvNamesWhatIsWrong(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, value, says string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "absolute http(s) URL"},
		{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "grpc://secret@collector", "absolute http(s) URL"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "secret", "element 1 is not key=value"},
		{"OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b,c=%zzsecret", "element 2 is not key=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "=secret", "element 1 is not key=value"},
		{"OTEL_EXPORTER_OTLP_COMPRESSION", "br", `is "br", want gzip`},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", `is "10s", want milliseconds`},
		{"OTEL_BLRP_SCHEDULE_DELAY", "-1", `is "-1", want milliseconds`},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", `is "grpc", want http/protobuf`},
		{"OTEL_BLRP_MAX_QUEUE_SIZE", "0", `is "0", want a number`},
		{"OTEL_RESOURCE_ATTRIBUTES", "a=b,c", "element 2"},
		{"OTEL_SDK_DISABLED", "1", "true or false"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", missing, "no such file"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", empty, "a certificate in PEM"},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY", empty, "is set without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"},
		{"OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", empty, "is set without OTEL_EXPORTER_OTLP_CLIENT_KEY"},
	} {
		setenv(t, map[string]string{test.name: test.value})
		endpoint, o, err := formats.OTLPFromEnv()
		switch {
		case err == nil || endpoint != "" || o != nil:
			t.Errorf("%s=%s: no error", test.name, test.value)
		case !strings.Contains(err.Error(), test.name) || !strings.Contains(err.Error(), test.says):
			t.Errorf("%s=%s: error %q does not name the variable, or lacks %q", test.name, test.value, err, test.says)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: error %q shows a secret", test.name, err)
		}
	}

	setenv(t, map[string]string{"OTEL_BLRP_MAX_QUEUE_SIZE": "100", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "101"})
	if _, _, err := formats.OTLPFromEnv(); err == nil || !strings.Contains(err.Error(), "OTEL_BLRP_MAX_QUEUE_SIZE, which is 100") {
		t.Errorf("a batch above the queue: error %v", err)
	}
	setenv(t, map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "y"})
	if _, _, err := formats.OTLPFromEnv(); err == nil || strings.Count(err.Error(), "want") != 2 {
		t.Errorf("two wrong variables: error %v, want both named", err)
	}
}

// The certificates are those that the connection is made with.
func TestOTLPFromEnvCertificates(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, pair := selfSigned(t, dir)

	asked := make(chan int, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- len(r.TLS.PeerCertificates)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()

	setenv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":           server.URL,
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        certFile,
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": certFile,
		"OTEL_EXPORTER_OTLP_CLIENT_KEY":         keyFile,
	})
	endpoint, o, err := formats.OTLPFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := o.Client.Post(endpoint, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	o.Client.CloseIdleConnections()
	if n := <-asked; n != 1 {
		t.Errorf("the server saw %d client certificates, want 1", n)
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T, dir string) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	certFile, keyFile = write("cert.pem", "CERTIFICATE", cert), write("key.pem", "EC PRIVATE KEY", der)
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, pair
}
