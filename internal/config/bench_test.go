package config

import "testing"

func BenchmarkLoad(b *testing.B) {
	path := write(b, full)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(Options{Path: path}); err != nil {
			b.Fatal(err)
		}
	}
}
