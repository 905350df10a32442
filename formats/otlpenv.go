package formats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// OTLPFromEnv reads the environment variables that OpenTelemetry's SDKs read,
// and returns what [slogship.New] needs to ship there:
//
//	endpoint, opts, err := formats.OTLPFromEnv()
//	...
//	h, err := slogship.New(endpoint, opts)
//
// The caller may change opts before calling New, for example to set Level.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT            http://localhost:4318; "/v1/logs" is appended to its path
//	OTEL_EXPORTER_OTLP_HEADERS             Options.Header, "name=value,name=value", values percent-encoded
//	OTEL_EXPORTER_OTLP_COMPRESSION         gzip (default), none, or zstd
//	OTEL_EXPORTER_OTLP_TIMEOUT             Options.RequestTimeout, in milliseconds
//	OTEL_EXPORTER_OTLP_PROTOCOL            http/protobuf (default) or http/json; grpc is an error
//	OTEL_EXPORTER_OTLP_CERTIFICATE         file with the certificates to trust, PEM
//	OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE  file with the client's certificate chain, PEM
//	OTEL_EXPORTER_OTLP_CLIENT_KEY          file with the client's private key, PEM
//	OTEL_SERVICE_NAME                      service.name; wins over OTEL_RESOURCE_ATTRIBUTES
//	OTEL_RESOURCE_ATTRIBUTES               OTLPOptions.Resource, "key=value,key=value", percent-encoded
//	OTEL_BLRP_SCHEDULE_DELAY               Options.FlushInterval, in milliseconds
//	OTEL_BLRP_EXPORT_TIMEOUT               Options.RequestTimeout, if shorter than that above
//	OTEL_BLRP_MAX_QUEUE_SIZE               Options.MaxPending
//	OTEL_BLRP_MAX_EXPORT_BATCH_SIZE        Options.BatchRecords, at most the queue's size
//	OTEL_SDK_DISABLED                      true: a Level that no record reaches
//
// Each OTEL_EXPORTER_OTLP_ variable has a form for logs only, which wins:
// OTEL_EXPORTER_OTLP_LOGS_HEADERS, for example. OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is
// used unchanged, without "/v1/logs" appended. An empty variable counts as not set. If
// none of its variables is set, an option has slogship's default. The names and rules
// are those of OpenTelemetry's specification ("OpenTelemetry Protocol Exporter" and
// "Environment Variable Specification", version 1.55).
//
// If a value is not valid, the error names the variable. It never contains the value of
// a header.
func OTLPFromEnv() (endpoint string, opts *slogship.Options, err error) {
	var env otlpEnv
	o := &slogship.Options{
		Header:         env.headers(),
		Compression:    env.compression(),
		RequestTimeout: env.timeout(),
		Client:         env.client(),
		FlushInterval:  env.milliseconds("OTEL_BLRP_SCHEDULE_DELAY"),
		MaxPending:     env.count("OTEL_BLRP_MAX_QUEUE_SIZE", 0),
	}
	o.BatchRecords = env.count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", o.MaxPending)
	o.Format = OTLP(OTLPOptions{Encoding: env.encoding(), Resource: env.resource()})
	if env.disabled() {
		o.Level = slog.Level(math.MaxInt)
	}
	endpoint = env.endpoint()
	if err := errors.Join(env.errs...); err != nil {
		return "", nil, err
	}
	return endpoint, o, nil
}

// otlpEnv reads variables and collects their errors.
type otlpEnv struct{ errs []error }

// bad notes that the value of a variable breaks a rule.
func (e *otlpEnv) bad(name, value, rule string) {
	e.errs = append(e.errs, fmt.Errorf("formats: %s is %q, want %s", name, value, rule))
}

// exporter is the value of OTEL_EXPORTER_OTLP_LOGS_<suffix> or, where that is
// empty, of OTEL_EXPORTER_OTLP_<suffix>, with the name of the one that has it.
func (e *otlpEnv) exporter(suffix string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_LOGS_" + suffix
	if value = os.Getenv(name); value != "" {
		return name, value
	}
	name = "OTEL_EXPORTER_OTLP_" + suffix
	return name, os.Getenv(name)
}

func (e *otlpEnv) endpoint() string {
	name, value := e.exporter("ENDPOINT")
	if value == "" {
		value = "http://localhost:4318"
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		// The value is not shown: it may hold a password.
		e.errs = append(e.errs, fmt.Errorf("formats: %s is not an absolute http(s) URL, such as http://localhost:4318", name))
		return ""
	}
	if name == "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" {
		return value
	}
	u.Path, u.RawPath = path.Join("/", u.Path, "v1/logs"), ""
	return u.String()
}

func (e *otlpEnv) headers() http.Header {
	name, value := e.exporter("HEADERS")
	h := http.Header{}
	for key, v := range e.pairs(name, value) {
		h.Set(key, v)
	}
	return h
}

// pairs yields the pairs of a list "key=value,key=value", percent-decoded. A
// list in which one is wrong is wrong as a whole. The error shows no value.
func (e *otlpEnv) pairs(name, list string) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		for i, pair := range strings.Split(list, ",") {
			if pair = strings.TrimSpace(pair); pair == "" {
				continue
			}
			key, value, found := strings.Cut(pair, "=")
			key, keyErr := url.PathUnescape(strings.TrimSpace(key))
			value, valueErr := url.PathUnescape(strings.TrimSpace(value))
			if !found || key == "" || keyErr != nil || valueErr != nil {
				e.errs = append(e.errs, fmt.Errorf(
					"formats: %s: element %d is not key=value with percent-encoded parts", name, i+1))
				return
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

func (e *otlpEnv) compression() slogship.Compression {
	name, value := e.exporter("COMPRESSION")
	switch value {
	case "", "gzip":
		return slogship.Gzip
	case "zstd":
		return slogship.Zstd
	case "none":
		return slogship.None
	}
	e.bad(name, value, "gzip, zstd or none")
	return slogship.None
}

// timeout is the shorter one of the exporter's and the processor's.
func (e *otlpEnv) timeout() time.Duration {
	name, _ := e.exporter("TIMEOUT")
	request := e.milliseconds(name)
	export := e.milliseconds("OTEL_BLRP_EXPORT_TIMEOUT")
	if request == 0 || export > 0 && export < request {
		return export
	}
	return request
}

// milliseconds reads a number of milliseconds; 0 where none is set. A zero
// that was set is the shortest time there is, because a zero option is a default.
func (e *otlpEnv) milliseconds(name string) time.Duration {
	value := os.Getenv(name)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt32 {
		e.bad(name, value, "milliseconds from 0 to 2147483647")
		return 0
	}
	return max(time.Duration(n)*time.Millisecond, time.Nanosecond)
}

// count reads a number from 1 to most, or without an upper bound if most is 0.
func (e *otlpEnv) count(name string, most int) int {
	value := os.Getenv(name)
	if value == "" {
		return 0
	}
	rule := "a number from 1 to 2147483647"
	if most > 0 {
		rule = fmt.Sprintf("a number from 1 to OTEL_BLRP_MAX_QUEUE_SIZE, which is %d", most)
	} else {
		most = math.MaxInt32
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		e.bad(name, value, rule)
		return 0
	}
	return n
}

func (e *otlpEnv) encoding() OTLPEncoding {
	name, value := e.exporter("PROTOCOL")
	switch value {
	case "", "http/protobuf":
	case "http/json":
		return OTLPJSON
	default:
		e.bad(name, value, "http/protobuf or http/json")
	}
	return OTLPProtobuf
}

func (e *otlpEnv) resource() []slog.Attr {
	const list = "OTEL_RESOURCE_ATTRIBUTES"
	var attrs []slog.Attr
	for key, value := range e.pairs(list, os.Getenv(list)) {
		attrs = append(attrs, slog.String(key, value))
	}
	if name := os.Getenv("OTEL_SERVICE_NAME"); name != "" {
		attrs = append(attrs, slog.String(serviceName, name))
	}
	return attrs
}

// disabled reads a Boolean, of which the specification says: true is the word
// true in any case; any other value is false, and worth a warning.
func (e *otlpEnv) disabled() bool {
	const name = "OTEL_SDK_DISABLED"
	value := os.Getenv(name)
	switch strings.ToLower(value) {
	case "true":
		return true
	case "", "false":
	default:
		e.bad(name, value, "true or false")
	}
	return false
}

// client returns nil, for slogship's own client, where no variable asks for
// certificates.
func (e *otlpEnv) client() *http.Client {
	trust, certificate, key := e.file("CERTIFICATE"), e.file("CLIENT_CERTIFICATE"), e.file("CLIENT_KEY")
	if trust.path == "" && certificate.path == "" && key.path == "" {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust.pem != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(trust.pem) {
			e.bad(trust.name, trust.path, "a file with a certificate in PEM")
		}
	}
	switch {
	case certificate.pem != nil && key.pem != nil:
		pair, err := tls.X509KeyPair(certificate.pem, key.pem)
		if err != nil {
			e.errs = append(e.errs, fmt.Errorf("formats: %s and %s: %w", certificate.name, key.name, err))
		}
		config.Certificates = []tls.Certificate{pair}
	case key.path == "" && certificate.path != "":
		e.errs = append(e.errs, fmt.Errorf("formats: %s is set without %s, want both", certificate.name, key.name))
	case certificate.path == "" && key.path != "":
		e.errs = append(e.errs, fmt.Errorf("formats: %s is set without %s, want both", key.name, certificate.name))
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = t.Clone()
	}
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}
}

// pemFile is a file that a variable names; pem is nil where it names none, or
// one that cannot be read.
type pemFile struct {
	name, path string
	pem        []byte
}

func (e *otlpEnv) file(suffix string) pemFile {
	f := pemFile{}
	f.name, f.path = e.exporter(suffix)
	if f.path == "" {
		return f
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		e.errs = append(e.errs, fmt.Errorf("formats: %s: %w", f.name, err))
		return f
	}
	f.pem = append([]byte{}, text...) // not nil, even if it is empty
	return f
}
