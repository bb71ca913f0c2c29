package main

import (
	"math"
	"testing"
	"time"
)

func TestFit(t *testing.T) {
	t.Parallel()
	// power makes points whose time grows with that exponent.
	power := func(exponent float64, images ...int) (out []point) {
		for _, n := range images {
			out = append(out, point{n, time.Duration(1e3 * math.Pow(float64(n), exponent))})
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		points []point
		want   growth
	}{
		{"linear", power(1, 500, 1000, 2000, 5000), growth{1, 500, 5000}},
		{"quadratic", power(2, 500, 1000, 2000), growth{2, 500, 2000}},
		{"what is small is not looked at", append([]point{{100, time.Hour}}, power(1, 500, 5000)...), growth{1, 500, 5000}},
		{"a line between points", []point{{1000, time.Second}, {1000, 4 * time.Second}, {4000, 8 * time.Second}}, growth{1, 1000, 4000}},
		{"one point", power(2, 100, 500), growth{}},
		{"no point", nil, growth{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := fit(tc.points)
			if math.Abs(got.exponent-tc.want.exponent) > 1e-3 || got.from != tc.want.from || got.to != tc.want.to {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	measured := func(images int, d time.Duration) cell {
		return cell{images: images, result: &result{elapsed: d}}
	}
	for _, tc := range []struct {
		name  string
		cells []cell
		want  string // the cell for 4000 images in a budget of a minute; measuring it takes a second
	}{
		{"the first is always run", nil, "1.00 s"},
		{"one point is taken for linear", []cell{measured(1000, 14*time.Second)}, "1.00 s"},
		{"one point is too much", []cell{measured(1000, 16*time.Second)}, "not run (≈ 64 s by its growth)"},
		{"quadratic", []cell{measured(1000, 10*time.Second), measured(2000, 40*time.Second)}, "not run (≈ 3 min by its growth)"},
		{"less than linear counts as linear", []cell{measured(1000, 31*time.Second), measured(2000, 31*time.Second)}, "not run (≈ 62 s by its growth)"},
		{"what was not run says nothing of growth", []cell{measured(1000, time.Second), {images: 2000, estimate: time.Hour}}, "1.00 s"},
		{"after a failure", []cell{measured(1000, time.Second), {images: 2000, failed: true}}, "failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := row{cells: tc.cells}.next(4000, time.Minute, func() (result, error) {
				return result{elapsed: time.Second}, nil
			})
			if err != nil || got.String() != tc.want {
				t.Errorf("got %q and %v, want %q", got, err, tc.want)
			}
		})
	}
}
