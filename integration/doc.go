// Package integration proves slogship against real servers. Its tests start
// them; make installs them, and runs the tests. README.md says what is proved.
package integration
