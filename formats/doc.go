// Package formats has a [slogship.Format] for each of the backends below. Set one in
// [slogship.Options]; nothing else changes:
//
//	h, err := slogship.New("https://http-intake.logs.datadoghq.com/api/v2/logs", &slogship.Options{
//		Format: formats.Datadog(formats.DatadogOptions{Service: "checkout"}),
//		Header: http.Header{"DD-API-KEY": {key}},
//	})
//
// The default format is [slogship.Logflare].
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
// Each function takes a struct of options. Its zero value works, unless the last column
// of the table names something else than a header. If an option is not valid,
// [slogship.New] returns an error that names the field, its value and the rule.
//
// The following is true of all of them. The documentation of Loki and OTLP, whose
// events are not JSON objects, says where they differ.
//
//   - Limits: no request exceeds the limits of the backend for records per request,
//     bytes per request and bytes per record, even if [slogship.Options] allow more. A
//     record that is too long is shortened and gets the attribute "_cut", true.
//   - Answers: unless a format's documentation says otherwise, the status code decides
//     what happens to a request: see [slogship.Action]. If the backend reports a result
//     for each record, each record is delivered, rejected or sent again accordingly.
//   - Ids: every record has an id, which is the same each time the record is sent, so
//     that duplicates can be recognised. It is in the member event_id, unless the
//     backend has a place of its own for an id.
//   - Names: an attribute at the root whose name the format uses itself gets a
//     trailing underscore: level becomes level_, and level_ becomes level__. No
//     attribute is lost, except in Loki if two names become the same.
//   - Times: if ReplaceAttr replaced the time with a string, the string is sent as the
//     time if it is RFC 3339, and as the attribute time_text if not. A time that the
//     backend cannot express, such as one after the year 9999, is sent as time_text,
//     too. Such a record gets the time of its arrival or, if the backend requires a
//     time, the time at which it was logged.
//   - Levels: a level between the named ones is written as slog writes it, "info+2". If
//     ReplaceAttr replaced a level, a message or a source, the new value is written
//     instead, with its kind: the level 30 is a number. If the backend requires a
//     string, the new value is written as text.
//   - Errors: the type, the text and, if there is one, the stack of the first error
//     among the attributes, also inside a group, are written a second time, under the
//     names that the backend's error tracking reads (see below). An attribute of the
//     application with such a name is kept instead.
//   - Values: attributes have the values that [slog.JSONHandler] writes. No format
//     allocates memory for a record whose attributes are all scalar.
//
// The names for the first error of a record:
//
//	Datadog        error.kind      error.message      error.stack
//	Elasticsearch  error.type      error.message      error.stack_trace
//	OTLP           exception.type  exception.message  exception.stacktrace
//	Seq            @x, the text and the stack
//
// A Format for another backend is a page of code. The README has an example, and
// slogshiptest.CheckFormat tests a Format.
package formats
