package spool

import "fmt"

const (
	quarantineDir = "quarantine"
	copyBytes     = 64 << 10
)

// quarantineMax bounds the quarantine: a sixteenth of the spool, at most 16 MiB.
// What is there stays until somebody removes it; what no longer fits is not kept.
func quarantineMax(maxBytes int64) int64 { return min(maxBytes/16, 16<<20) }

// quarantine copies a range of a segment that is no frame, for those who want to
// know what happened. It is done as far as it can be: nothing depends on it.
func (r *cursor) quarantine(dir filesystem, number uint64, f file, e extent, maxBytes int64) {
	if !r.listed {
		if dir.mkdir(quarantineDir) != nil {
			return
		}
		infos, err := dir.list(quarantineDir)
		if err != nil {
			return
		}
		for _, info := range infos {
			r.stored += info.Size()
		}
		r.listed = true
	}
	e.to = min(e.to, e.from+quarantineMax(maxBytes)-r.stored)
	var to file
	buf := make([]byte, copyBytes)
	for off := e.from; off < e.to; {
		n, _ := f.ReadAt(buf[:min(copyBytes, e.to-off)], off)
		if n == 0 {
			break
		}
		if to == nil && !allZero(buf[:n]) {
			var err error
			if to, err = dir.create(quarantineName(number, e)); err != nil {
				return
			}
			off = e.from
			continue
		}
		if to != nil {
			if _, err := to.WriteAt(buf[:n], off-e.from); err != nil {
				break
			}
			r.stored += int64(n)
		}
		off += int64(n)
	}
	if to != nil {
		_ = to.Close() // a copy that is not durable is one that may be lost
	}
}

func quarantineName(number uint64, e extent) string {
	return fmt.Sprintf("%s/%s-%d-%d", quarantineDir, segmentName(number), e.from, e.to)
}
