package main

import (
	"log/slog"
	"testing"
	"time"
)

func TestRecognise(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, zone)
	at := func(year int, month time.Month, day, hour, minute, sec, ms int) time.Time {
		return time.Date(year, month, day, hour, minute, sec, ms*int(time.Millisecond), zone)
	}
	for _, c := range []struct {
		name, line string
		want       entry
	}{
		{
			"Apache", `[Fri Jan 06 10:20:30 2006] [notice] caught SIGTERM, shutting down`,
			entry{at(2006, 1, 6, 10, 20, 30, 0), slog.LevelInfo, ""},
		},
		{
			"Apache, an error on a day padded with a space", `[Fri Jan  6 10:20:30 2006] [error] no such page`,
			entry{at(2006, 1, 6, 10, 20, 30, 0), slog.LevelError, ""},
		},
		{
			"Apache 2.4", `[Fri Jan 06 10:20:30.250 2006] [proxy:crit] [pid 17] no`,
			entry{at(2006, 1, 6, 10, 20, 30, 250), slog.LevelError, "proxy"},
		},
		{
			"Apache, a level never heard of", `[Fri Jan 06 10:20:30 2006] [client 10.0.0.1] x`,
			entry{at(2006, 1, 6, 10, 20, 30, 0), slog.LevelInfo, ""},
		},
		{
			"syslog, of last year", `Dec 24 18:00:01 door sshd[77]: no key fits`,
			entry{at(2025, 12, 24, 18, 0, 1, 0), slog.LevelInfo, "sshd"},
		},
		{
			"syslog, of this year, without a process id", `Feb  3 06:55:46 host kernel: usb 1-1: new device`,
			entry{at(2026, 2, 3, 6, 55, 46, 0), slog.LevelInfo, "kernel"},
		},
		{
			"syslog, of the last leap year", `Feb 29 06:55:46 host cron[1]: x`,
			entry{at(2024, 2, 29, 6, 55, 46, 0), slog.LevelInfo, "cron"},
		},
		{
			"syslog, without a tag", `Feb  3 06:55:46 host last message repeated 2 times: no`,
			entry{at(2026, 2, 3, 6, 55, 46, 0), slog.LevelInfo, ""},
		},
		{
			"ZooKeeper", `2015-03-04 05:06:07,747 - INFO  [Peer[id=1]/0:0:0:0:0:0:0:1:2888:Election@12] - no leader yet`,
			entry{at(2015, 3, 4, 5, 6, 7, 747), slog.LevelInfo, "Election"},
		},
		{
			"ZooKeeper, a class in a class", `2015-03-04 05:06:07,071 - WARN  [Sender:7:Manager$Sender@99] - going away`,
			entry{at(2015, 3, 4, 5, 6, 7, 71), slog.LevelWarn, "Manager$Sender"},
		},
		{
			"ZooKeeper, a message with a colon", `2015-03-04 05:06:07,747 - ERROR [main:Main@87] - Exception: [a] - b: c@d`,
			entry{at(2015, 3, 4, 5, 6, 7, 747), slog.LevelError, "Main"},
		},
		{
			"OpenStack", `2018-09-10 11:12:13.008 4711 INFO nova.osapi_compute.wsgi.server [req-1 - - -] 192.0.2.1 "GET /v2 HTTP/1.1" status: 200`,
			entry{at(2018, 9, 10, 11, 12, 13, 8), slog.LevelInfo, "nova.osapi_compute.wsgi.server"},
		},
		{
			"OpenStack, with a file in front", `nova-compute.log.3 2018-09-10 11:12:14.500 4712 WARNING nova.virt.libvirt.imagecache [req-2] a file too many`,
			entry{at(2018, 9, 10, 11, 12, 14, 500), slog.LevelWarn, "nova.virt.libvirt.imagecache"},
		},
		{
			"a time that has not come yet", `2099-05-16 00:00:00.008 4711 WARNING nova.api x`,
			entry{time.Time{}, slog.LevelWarn, "nova.api"},
		},
		{"nothing", ``, entry{}},
		{"a stack trace", `	at java.lang.Thread.run(Thread.java:745)`, entry{}},
		{"brackets", `[] [error]`, entry{}},
		{"a day that there is not", `[Fri Jan 44 10:20:30 2006] [error] x`, entry{}},
		{"a date and no level", `2018-09-10 11:12:13.008 4711 is the number of the process`, entry{}},
		{"an ISO date", `2018-09-10T11:12:13Z ERROR x y z`, entry{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := recognise(c.line, now)
			if !got.time.Equal(c.want.time) || got.level != c.want.level || got.program != c.want.program {
				t.Errorf("%s\n got %v\nwant %v", c.line, got, c.want)
			}
		})
	}
}

// No line, however short or strange, panics.
func FuzzRecognise(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, line := range []string{
		"[Fri Jan 06 10:20:30 2006] [notice]", "Dec 24 18:00:01 host prog[1]:", "Dec 24 18:00:01 ",
		"2015-03-04 05:06:07,747 - INFO", "2015-03-04 05:06:07,747 - INFO  [a:B@1] - c", "f 2018-09-10 11:12:13.008 1 INFO n", "[",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if e := recognise(line, now); e.time.After(now.Add(future)) {
			t.Errorf("%q is of %v", line, e.time)
		}
	})
}
