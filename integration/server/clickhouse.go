package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ClickHouse is a ClickHouse with the users "default", who needs no password,
// and "app", whose password is "right".
type ClickHouse struct {
	*Process
	url string
}

// NewClickHouse prepares a ClickHouse; it does not start it.
func NewClickHouse() (*ClickHouse, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	p, err := newProcess("clickhouse", "CLICKHOUSE", map[string]string{
		"config.xml": fmt.Sprintf(clickHouseConfig, ports[0], ports[1]),
		"users.xml":  clickHouseUsers,
	})
	if err != nil {
		return nil, err
	}
	c := &ClickHouse{p, fmt.Sprintf("http://127.0.0.1:%d/", ports[0])}
	p.args = []string{"--config-file=config.xml"}
	p.ready = func() error { return c.Exec("SELECT 1") }
	return c, nil
}

const clickHouseConfig = `<?xml version="1.0"?>
<yandex>
	<logger><level>warning</level><log>DIR/clickhouse.log</log><errorlog>DIR/clickhouse.err</errorlog></logger>
	<http_port>%d</http_port>
	<tcp_port>%d</tcp_port>
	<listen_host>127.0.0.1</listen_host>
	<path>DIR/data/</path>
	<tmp_path>DIR/tmp/</tmp_path>
	<users_config>users.xml</users_config>
	<default_profile>default</default_profile>
	<default_database>default</default_database>
	<mark_cache_size>16777216</mark_cache_size>
</yandex>
`

const clickHouseUsers = `<?xml version="1.0"?>
<yandex>
	<profiles><default/></profiles>
	<quotas><default/></quotas>
	<users>
		<default>
			<password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
		</default>
		<app>
			<password>right</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
		</app>
	</users>
</yandex>
`

// Insert is the endpoint for rows of a table.
func (c *ClickHouse) Insert(table string) string {
	return c.url + "?" + url.Values{"query": {"INSERT INTO " + table + " FORMAT JSONEachRow"}}.Encode()
}

// Exec runs a statement.
func (c *ClickHouse) Exec(statement string) error {
	_, err := do(http.MethodPost, c.url, statement, nil)
	return err
}

// A Row is a row of a table of logs.
type Row struct {
	EventID    string `json:"event_id"`
	Timestamp  string `json:"timestamp"`
	Level      string `json:"level"`
	Message    string `json:"message"`
	Attributes string `json:"attributes"`
}

// Rows returns what the end of a SELECT, from FROM on, selects.
func (c *ClickHouse) Rows(from string) (rows []Row, err error) {
	text, err := do(http.MethodPost, c.url,
		"SELECT event_id, toString(timestamp) AS timestamp, level, message, attributes FROM "+from+" FORMAT JSONEachRow", nil)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var row Row
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}
