package registry

import "testing"

// Only long rounds are told, and only where somebody listens.
func TestReads(t *testing.T) {
	t.Parallel()
	told := 0
	ctx := WithProgress(t.Context(), func(done, all int) { told += done * all })
	Reads(t.Context(), 1000)(1)
	Reads(ctx, 10)(1)
	if told != 0 {
		t.Errorf("told of a short round, or without a listener: %d", told)
	}
	if Reads(ctx, 1000)(2); told != 2000 {
		t.Errorf("told %d, want 2 of 1000", told)
	}
}
