package retain

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

var cases = flag.Uint64("cases", 0, "how many random repositories the oracle and the invariants try (default 5000; 1000 with -short, 100000 when REGSWEEP_CI=1)")

// eachSeed calls f with the seed of each random case, in parts that run side by side.
func eachSeed(t *testing.T, stream uint64, f func(t *testing.T, seed uint64, r *rand.Rand)) {
	t.Helper()
	n := *cases
	switch {
	case n > 0:
	case os.Getenv("REGSWEEP_CI") == "1" && !raceDetector: // .ci/run runs them without it too
		n = 100000
	case testing.Short():
		n = 1000
	default:
		n = 5000
	}
	const parts = 8
	for part := range uint64(parts) {
		t.Run(fmt.Sprint(part+1), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < n; seed += parts {
				f(t, seed, rand.New(rand.NewPCG(seed, stream)))
			}
		})
	}
}
