package heap

import (
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestPercentFor(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 300, 4 << 20: 300, 12 << 20: 100, 96 << 20: 12, 1 << 30: 12} {
		if got := percentFor(live); got != want {
			t.Errorf("with %d MiB in use: got %d, want %d", live>>20, got, want)
		}
	}
}

// TestRetune holds that each collection sets the percentage for the next one.
func TestRetune(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	Tune()
	held := make([]*[1 << 20]byte, 200)
	for i := range held {
		held[i] = new([1 << 20]byte)
	}
	now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 1000 { // until the clean-up, which runs beside the test, has seen what is held
		debug.FreeOSMemory()
		if metrics.Read(now); now[0].Value.Uint64() == sparePercent {
			break
		}
	}
	if got := now[0].Value.Uint64(); got != sparePercent || held[0] == nil {
		t.Errorf("got %d %% with %d MiB in use, want %d %%", got, len(held), sparePercent)
	}
}
