package main

import (
	_ "github.com/prometheus/prometheus/tsdb/wlog"
	_ "github.com/slogship/slogship/internal/spool"
	_ "github.com/tidwall/wal"
	_ "go.etcd.io/bbolt"
)

func main() {}
