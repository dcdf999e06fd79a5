package jsontext

import (
	"encoding/json"
	"testing"
)

// document is the size of an ordinary charm's process document.
const document = `{"value":{"$TYPE":"ba4jcacxkko26f6p7vjjt5pcjdpx5qwhjvw2zpuz7macq5efzs4j2ucvc","resultRef":{"cell":{"/":"baedreibrqhklveh36rz75wxgacpmv6nb4euf32zphgttbkyrfe3x4faxa4"},"path":[]},"internal":{"bgUpdater":{"$stream":true},"count":41,"title":"caf\u00e9 \"news\""},"argument":{"url":"https://example.org/feed.xml","limit":100}}}`

func BenchmarkParse(b *testing.B) {
	data := []byte(document)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data, DefaultLimits); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	v := mustParse(b, document)
	buf := make([]byte, 0, 1024)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], v)
	}
}

// BenchmarkEncodingJSON is what Parse is measured against.
func BenchmarkEncodingJSON(b *testing.B) {
	data := []byte(document)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	}
}
