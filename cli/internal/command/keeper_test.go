package command

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

// Input waits while memory has what the disk has not, or the disk is nearly full, and
// only then.
func TestKeeper(t *testing.T) {
	const disk = 1 << 30
	half := slogship.Stats{Pending: memoryRecords/2 - 5, InFlight: 5, PendingBytes: memoryBytes / 2, Unprotected: 7, SpooledBytes: disk / 4 * 3}
	changed := func(f func(s *slogship.Stats)) slogship.Stats {
		s := half
		f(&s)
		return s
	}
	for name, tt := range map[string]struct {
		stats slogship.Stats
		waits bool
	}{
		"nothing":           {slogship.Stats{}, false},
		"half":              {half, false},
		"more records":      {changed(func(s *slogship.Stats) { s.InFlight++ }), true},
		"more bytes":        {changed(func(s *slogship.Stats) { s.PendingBytes++ }), true},
		"more, all spooled": {changed(func(s *slogship.Stats) { s.Pending, s.PendingBytes, s.Unprotected = memoryRecords, memoryBytes, 0 }), false},
		"disk":              {changed(func(s *slogship.Stats) { s.SpooledBytes++ }), true},
		"disk alone":        {slogship.Stats{SpooledBytes: disk}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var read atomic.Int64
				till := time.Now().Add(time.Minute)
				k := &keeper{read: &read, maxBytes: disk, stats: func() slogship.Stats {
					if time.Now().Before(till) {
						return tt.stats
					}
					return slogship.Stats{}
				}}
				began := time.Now()
				for range keeperRecords {
					k.wait(t.Context())
				}
				if waited := time.Since(began) >= time.Minute; waited != tt.waits {
					t.Errorf("it waits is %t, want %t", waited, tt.waits)
				}
			})
		})
	}
}

// It looks before much has come in, in records or in bytes, and ends with its context.
func TestKeeperLooks(t *testing.T) {
	var read atomic.Int64
	looks := 0
	k := &keeper{read: &read, maxBytes: 1 << 30, stats: func() slogship.Stats {
		looks++
		return slogship.Stats{}
	}}
	for range 10 * keeperRecords {
		k.wait(t.Context())
	}
	if looks != 10 {
		t.Errorf("%d looks for %d records", looks, 10*keeperRecords)
	}
	looks = 0
	for range 40 {
		read.Add(keeperBytes / 4)
		k.wait(t.Context())
	}
	if looks != 10 {
		t.Errorf("%d looks for %d bytes", looks, 10*keeperBytes)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.stats = func() slogship.Stats { return slogship.Stats{SpooledBytes: 1 << 40} }
	read.Add(keeperBytes)
	k.wait(ctx) // or the test hangs
}
