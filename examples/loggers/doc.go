// Package loggers shows how an application keeps its logger and ships what it
// logs: zerolog, zap, logrus and package log, each through lines.Writer, and
// zap without lines. It is a module of its own so that slogship's does not
// require these loggers.
//
//	go test -v -run Example ./...
//
// Its other tests run many lines through each of them:
//
//	go test -run Lines ./... -lines 1000000 -logs DIR
//
// where DIR holds *.log files to take messages from.
package loggers
