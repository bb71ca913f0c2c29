// Package heap sets how far the program's memory may grow between two collections of garbage. docs/performance.md has the peaks.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What the heap may grow by until Go collects its garbage again. By Go's own rule it may double. Most runs have a few megabytes
// in use and make garbage fast, so that Go would collect all the time. A run over 100,000 images has 80 MB in use and would
// need twice that: with this, 5,000 repositories of 20 images stay below 150 MB (go run -C e2e ./bench).
const (
	spareBytes   = 12 << 20 // at least so much
	sparePercent = 12       // or so many percent of what is in use, if that is more
)

// Tune has Go collect its garbage rarely while there is little of it, and keeps the peak low when there is much in use.
func Tune() {
	debug.SetGCPercent(percentFor(0))
	runtime.AddCleanup(new(canary), retune, struct{}{})
}

// canary is garbage as soon as it is made, so that what is called for its end is called after the next collection.
type canary struct{ _ *byte }

// retune sets the percentage by what the latest collection has left, and is called again after the next one.
func retune(struct{}) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return // a Go that does not tell: the percentage stays
	}
	debug.SetGCPercent(percentFor(live[0].Value.Uint64()))
	runtime.AddCleanup(new(canary), retune, struct{}{})
}

// percentFor is how much the heap may grow, as a percentage of what is in use. Go takes at least 4 MiB for that.
func percentFor(live uint64) int {
	return max(sparePercent, int(100*spareBytes/max(live, 4<<20)))
}
