// A program that logs to standard output.
package main

import "log/slog"

func main() { slog.Info("hello") }
