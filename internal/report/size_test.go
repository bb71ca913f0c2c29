package report

import (
	"math"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   int64
		want string
	}{
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{1<<20 - 1, "1.0 MiB"},
		{88_185_242, "84.1 MiB"},
		{13_314_398_617, "12.4 GiB"},
		{1 << 40, "1.0 TiB"},
		{math.MaxInt64, "8.0 EiB"},
	} {
		if got := size(test.in); got != test.want {
			t.Errorf("size(%d) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{
		40 * time.Millisecond: "0.0 s", 4120 * time.Millisecond: "4.1 s", 83 * time.Second: "1m23s", 2 * time.Hour: "2h0m0s",
	} {
		if got := seconds(in); got != want {
			t.Errorf("seconds(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestIndexSize(t *testing.T) {
	t.Parallel()
	plan := &retain.Plan{}
	add := func(n int, size int64, children ...oci.Digest) oci.Image {
		i := oci.Image{Digest: digest(n), Size: size, Children: children}
		plan.Decisions = append(plan.Decisions, retain.Decision{Image: i})
		return i
	}
	plain := add(1, 1)
	add(2, 2)
	nested := add(3, 0, digest(1), digest(2), digest(9)) // 9 is not in the plan
	outer := add(4, 0, digest(3), digest(2))             // 2 is reached twice
	loop := add(5, 0, digest(5), digest(1))
	s := newSizer(plan)
	for _, test := range []struct {
		name string
		in   oci.Image
		want int64
	}{{"image", plain, 1}, {"index", nested, 3}, {"index of indexes", outer, 3}, {"index that lists itself", loop, 1}} {
		if got := s.of(test.in); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if got := newSizer(&retain.Plan{}).of(plain); got != 1 {
		t.Errorf("without any index: got %d, want 1", got)
	}
}

func TestAges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		in   []time.Duration // 0 is undated
		want string
	}{
		{"none dated", []time.Duration{0}, "without a date"},
		{"one", []time.Duration{time.Hour}, "1 hour old"},
		{"two units", []time.Duration{6 * time.Hour, 214 * day}, "6 hours to 214 days old"},
		{"one unit", []time.Duration{23 * time.Hour, 15 * time.Hour}, "15 to 23 hours old"},
		{"singular and plural", []time.Duration{time.Hour, 5 * time.Hour}, "1 to 5 hours old"},
		{"same", []time.Duration{50 * time.Hour, 51 * time.Hour}, "2 days old"},
		{"some undated", []time.Duration{time.Hour, 0, 0}, "1 hour old, 2 without a date"},
		{"in the future", []time.Duration{-time.Hour, 3 * day}, "0 seconds to 3 days old"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var entries []entry
			for _, a := range test.in {
				var i oci.Image
				if a != 0 {
					i.Created = started.Add(-a)
				}
				entries = append(entries, entry{Decision: &retain.Decision{Image: i}})
			}
			if got := (view{run: Summary{Started: started}}).ages(entries); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
