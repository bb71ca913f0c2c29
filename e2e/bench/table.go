package main

import (
	"fmt"
	"io"
)

// writeContest writes how the contestants did, as Markdown. A contestant is compared to the first on its registry.
func writeContest(w io.Writer, rows []result) {
	fmt.Fprintln(w, "| registry | algorithm | images | seconds | times the script's | requests | newest kept | others left | peak memory |")
	fmt.Fprintln(w, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	first := map[string]result{}
	for _, r := range rows {
		base, ok := first[r.registry]
		if !ok {
			base, first[r.registry] = r, r
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.1f | %.2f | %d | %d of %d | %d | %s |\n",
			r.registry, r.algorithm, r.images, r.elapsed.Seconds(), r.elapsed.Seconds()/base.elapsed.Seconds(), r.requests,
			r.right, r.wanted, r.extra, mebibytes(r.peak))
	}
}

// writeLarge writes what the plan for one large repository took, as Markdown.
func writeLarge(w io.Writer, r largeResult) {
	fmt.Fprintln(w, "\n| registry | one repository, dry run | seconds | requests | peak memory |")
	fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: |")
	fmt.Fprintf(w, "| %s | %d tags | %.1f | %d | %s |\n", r.registry, r.tags, r.elapsed.Seconds(), r.requests, mebibytes(r.peak))
}

func mebibytes(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}
