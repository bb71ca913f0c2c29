package report

import (
	"io"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	s := large(1, 10_000)
	for _, form := range []struct {
		name  string
		write func() error
	}{
		{"table", func() error { return WriteTable(io.Discard, s, TableOptions{}) }},
		{"markdown", func() error { return WriteMarkdown(io.Discard, s, summaryBudget) }},
		{"markdown_unbounded", func() error { return Write(io.Discard, FormMarkdown, s) }},
		{"json", func() error { return WriteJSON(io.Discard, s) }},
	} {
		b.Run(form.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := form.write(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
