package receiver

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const maxBody = 256 << 20

var zstdDecoder = func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		panic(err)
	}
	return d
}()

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflate returns the body as it was before compression; it may use scratch,
// and returns body itself if nothing was compressed.
func inflate(scratch []byte, p Proto, encoding, contentType string, body []byte) ([]byte, error) {
	if p == Loki && contentType == protobufType {
		// Loki's protobuf is snappy-compressed without saying so in a header.
		return snappy.Decode(scratch[:cap(scratch)], body)
	}
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		r := gzipReaders.Get().(*gzip.Reader)
		defer gzipReaders.Put(r)
		if err := r.Reset(bytes.NewReader(body)); err != nil {
			return nil, err
		}
		out := bytes.NewBuffer(scratch[:0])
		_, err := out.ReadFrom(io.LimitReader(r, maxBody))
		return out.Bytes(), err
	case "zstd":
		return zstdDecoder.DecodeAll(body, scratch[:0])
	}
	return nil, fmt.Errorf("content encoding %q", encoding)
}
