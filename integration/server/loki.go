package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Loki is a Grafana Loki with tenants.
type Loki struct {
	*Process
	url string
}

// LokiConfig is what differs between the Lokis of the tests.
type LokiConfig struct {
	// Limits are those of single tenants, by their names: members of
	// limits_config.
	Limits map[string]string

	// MaxBody is the most bytes that a request has, compressed. If zero,
	// Loki's default.
	MaxBody int

	// AnyAge takes entries of any year, and in any order within a stream; and
	// finds them although they are not in its store yet.
	AnyAge bool
}

// NewLoki prepares a Loki; it does not start it.
func NewLoki(c LokiConfig) (*Loki, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(lokiConfig, ports[0], ports[1], ports[1])
	if c.MaxBody > 0 {
		config += fmt.Sprintf("distributor:\n  max_recv_msg_size: %d\n", c.MaxBody)
	}
	if c.AnyAge {
		config = strings.NewReplacer(
			"ingester:\n", "ingester:\n  max_chunk_age: 876000h\n  query_store_max_look_back_period: -1ns\n",
			"limits_config:\n", "limits_config:\n  reject_old_samples: false\n",
		).Replace(config)
	}
	var overrides strings.Builder
	overrides.WriteString("overrides:\n  nobody: {}\n")
	for tenant, limits := range c.Limits {
		fmt.Fprintf(&overrides, "  %s: {%s}\n", tenant, limits)
	}
	p, err := newProcess("loki", "LOKI", map[string]string{
		"loki.yaml":      config,
		"overrides.yaml": overrides.String(),
	})
	if err != nil {
		return nil, err
	}
	l := &Loki{p, fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	p.args = []string{"-config.file=loki.yaml"}
	p.ready = func() error { // /ready says so ten seconds later
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		return post(l.Push(), "application/json",
			`{"streams":[{"stream":{"app":"ready"},"values":[["`+now+`","ready"]]}]}`,
			http.Header{"X-Scope-Orgid": {"nobody"}})
	}
	return l, nil
}

// All limits but those of single tenants are wide: what a tenant may do is what
// is tested. The gRPC limits are for long answers; with its address a worker
// finds the frontend at once, and not after ten seconds.
const lokiConfig = `
auth_enabled: true
analytics:
  reporting_enabled: false
server:
  http_listen_address: 127.0.0.1
  http_listen_port: %d
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: %d
  grpc_server_max_recv_msg_size: 104857600
  grpc_server_max_send_msg_size: 104857600
  log_level: warn
common:
  instance_addr: 127.0.0.1
  path_prefix: DIR/data
  replication_factor: 1
  storage:
    filesystem:
      chunks_directory: DIR/data/chunks
      rules_directory: DIR/data/rules
  ring:
    instance_addr: 127.0.0.1
    kvstore:
      store: inmemory
memberlist:
  bind_addr: [127.0.0.1]
ingester:
  lifecycler:
    min_ready_duration: 0s
frontend_worker:
  frontend_address: 127.0.0.1:%d
  dns_lookup_duration: 100ms
schema_config:
  configs:
    - from: "2000-01-01"
      store: tsdb
      object_store: filesystem
      schema: v13
      index:
        prefix: index_
        period: 24h
limits_config:
  discover_service_name: []
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  per_stream_rate_limit: 1000MB
  per_stream_rate_limit_burst: 1000MB
runtime_config:
  file: DIR/overrides.yaml
`

// Push is the endpoint of Loki's own protocol.
func (l *Loki) Push() string { return l.url + "/loki/api/v1/push" }

// OTLP is the endpoint of OTLP/HTTP logs.
func (l *Loki) OTLP() string { return l.url + "/otlp/v1/logs" }

// An Entry is what Loki keeps of a record.
type Entry struct {
	Labels   map[string]string
	Time     int64 // in Unix nanoseconds
	Line     string
	Metadata map[string]string
}

// pageEntries is how many entries are asked for at once.
const pageEntries = 2500

// Entries returns the entries of a tenant that selector selects, from and until
// some time, the oldest first; those of one time in no order.
func (l *Loki) Entries(tenant, selector string, from, until time.Time) (all []Entry, err error) {
	at, seen := from.UnixNano(), 0 // seen counts those of the time at that are in all
	for {
		page, err := l.page(tenant, selector, at, until.UnixNano())
		if err != nil {
			return nil, err
		}
		full := len(page) == pageEntries
		if seen > len(page) {
			return nil, fmt.Errorf("loki: %d entries at %d, there were %d", len(page), at, seen)
		}
		page = page[seen:]
		all = append(all, page...)
		if !full {
			return all, nil
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("loki: %d entries at %d alone", seen, at)
		}
		last := page[len(page)-1].Time
		if last != at {
			at, seen = last, 0
		}
		for i := len(page) - 1; i >= 0 && page[i].Time == at; i-- {
			seen++
		}
	}
}

// page asks for entries from and until some time, in one stream each.
func (l *Loki) page(tenant, selector string, from, until int64) (page []Entry, err error) {
	text, err := do(http.MethodGet, l.url+"/loki/api/v1/query_range?"+url.Values{
		"query":     {selector},
		"start":     {strconv.FormatInt(from, 10)},
		"end":       {strconv.FormatInt(until, 10)},
		"limit":     {strconv.Itoa(pageEntries)},
		"direction": {"forward"},
	}.Encode(), "", http.Header{
		"X-Scope-Orgid":                  {tenant},
		"X-Loki-Response-Encoding-Flags": {"categorize-labels"}, // or metadata would be labels
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Stream map[string]string   `json:"stream"`
				Values [][]json.RawMessage `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			e := Entry{Labels: r.Stream}
			var at string
			var rest struct {
				StructuredMetadata map[string]string `json:"structuredMetadata"`
			}
			if len(v) != 3 {
				return nil, fmt.Errorf("loki: an entry of %d parts", len(v))
			}
			for i, to := range []any{&at, &e.Line, &rest} {
				if err := json.Unmarshal(v[i], to); err != nil {
					return nil, err
				}
			}
			if e.Time, err = strconv.ParseInt(at, 10, 64); err != nil {
				return nil, err
			}
			e.Metadata = rest.StructuredMetadata
			page = append(page, e)
		}
	}
	sortByTime(page)
	return page, nil
}

func sortByTime(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Time, b.Time) })
}
