// Package formats has a slogship.Format for each of the backends below. It is a
// value of Options, and nothing else changes:
//
//	h, err := slogship.New("https://http-intake.logs.datadoghq.com/api/v2/logs", &slogship.Options{
//		Format: formats.Datadog(formats.DatadogOptions{Service: "checkout"}),
//		Header: http.Header{"DD-API-KEY": {key}},
//	})
//
// Logflare's format, the default, is slogship.Logflare.
//
//	format         endpoint                                             it needs
//	-------------  ---------------------------------------------------  -----------------------------------------------
//	JSON           any receiver of a JSON array
//	NDJSON         any receiver of lines; Vector, Fluent Bit, Fluentd   for Fluent Bit: ContentType
//	Axiom          https://api.axiom.co/v1/datasets/DATASET/ingest      Header Authorization: Bearer TOKEN
//	BetterStack    https://INGESTING_HOST                               Header Authorization: Bearer SOURCE_TOKEN
//	ClickHouse     http://ch:8123/?query=INSERT+INTO+logs+FORMAT+       a table; Header X-ClickHouse-User, -Key
//	               JSONEachRow
//	Datadog        https://http-intake.logs.SITE/api/v2/logs            Header DD-API-KEY
//	Elasticsearch  https://es:9200/_bulk, of OpenSearch too             an index, as an option or in the endpoint;
//	                                                                    Header Authorization: ApiKey KEY
//	Honeycomb      https://api.honeycomb.io/1/batch/DATASET             Header X-Honeycomb-Team
//	Loki           http://loki:3100/loki/api/v1/push                    labels
//	NewRelic       https://log-api.newrelic.com/log/v1                  Header Api-Key
//	OTLP           http://collector:4318/v1/logs                        resource attributes
//	Seq            https://seq/ingest/clef                              Header X-Seq-ApiKey
//	Splunk         https://splunk:8088/services/collector/event         Header Authorization: Splunk TOKEN
//	VictoriaLogs   http://victorialogs:9428/insert/jsonline             stream fields
//
// Each is a function of one struct, whose zero value is usable where the
// backend allows it. Options that break a rule are an error of slogship.New, which
// names the field, its value and the rule.
//
// What holds for all of them (Loki and OTLP, whose events are not JSON objects, say
// where their ids, times, levels and names differ):
//
//   - The limits of the backend, in records a request, bytes a request and bytes
//     a record, are kept whatever slogship.Options say. A record that is too long
//     is cut, and marked "_cut".
//   - Success and failure are what the backend means by its answers. Where these
//     speak of single records, each is believed: taken, refused for good, or to
//     be sent again. Whatever a format says nothing of is decided by the status
//     code, as the table in the README has it.
//   - Every record has an id that is the same however often it is sent (the
//     member event_id, if the backend has no place for it), by which duplicates
//     can be told.
//   - An attribute at the root whose name the format needs for itself, or such a
//     name and underscores, gets one more underscore: level becomes level_, and
//     level_ becomes level__. No attribute is lost, except in Loki, in which names
//     that become equal are one.
//   - Where the backend wants a time, it gets nothing else: what ReplaceAttr
//     made of the time is sent as time if it is RFC 3339, and otherwise kept as
//     the attribute time_text. So is a time that the backend cannot express,
//     such as one after the year 9999. A record without a time gets that of its
//     arrival, or of logging where the backend insists.
//   - Levels between the named ones are called what slog calls them, "info+2". What
//     ReplaceAttr made of a level, a message or a source is written in its place, of
//     its own kind: a level 30 is a number. Where the backend wants a string it is
//     the text of that.
//   - The first error among the attributes, one in a group too, is also written as
//     what the backend's error tracking reads, if it has names for that: its type,
//     its text, and its stack if it carries one (see below). A user's own attribute
//     of such a name wins.
//   - Attributes mean what they mean to slog.JSONHandler. No format allocates
//     memory for a record of scalar ones.
//
// The names for the first error of a record:
//
//	Datadog        error.kind      error.message      error.stack
//	Elasticsearch  error.type      error.message      error.stack_trace
//	OTLP           exception.type  exception.message  exception.stacktrace
//	Seq            @x, the text and the stack
//
// A Format for a backend that is not among these is a page of code: the README
// has one, and slogshiptest.CheckFormat tests it.
package formats
