package draw

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func render(t *testing.T, name string, drawing any) string {
	t.Helper()
	var b strings.Builder
	if err := template.Must(template.New("page").Parse(Templates())).ExecuteTemplate(&b, name, drawing); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func onDay(n int) time.Time { return day0.AddDate(0, 0, n) }

// The newest image is on the right, and each mark has a path of its own shape.
func TestTimeline(t *testing.T) {
	t.Parallel()
	axis := Axis{Stops: []time.Time{day0, onDay(10)}, Columns: 11}
	got := axis.Timeline("app", "2 kept", []Tick{{onDay(10), Protected}, {onDay(9), Kept}, {onDay(3), Gone}, {onDay(0), Left}, {time.Time{}, Gone}, {onDay(3), Gone}, {onDay(99), Kept}, {onDay(-99), Gone}})
	want := []Ticks{{Gone, "M0 22v9M3 22v9"}, {Left, "M0 12v19"}, {Kept, "M9 7v13M10 7v13"}, {Protected, "M10 7v13"}, {dots, "M10 6h0"}}
	if fmt.Sprint(got.Ticks) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got.Ticks, want)
	}
	if left, right, width := got.Left(), got.Right(), got.Width(); left != -3 || right != 13 || width != 16 {
		t.Errorf("from %d to %d, width %d", left, right, width)
	}
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, stops := range [][]time.Time{nil, {day0}, {day0, day0}, {onDay(1), day0}, {{}, far}, {day0, day0, day0}, {onDay(5), onDay(9)}} {
		a := Axis{Stops: stops, Columns: 4}
		one := a.Timeline("", "", []Tick{{day0, Kept}})
		if len(one.Ticks) != 1 || strings.ContainsAny(one.Ticks[0].Path, "-N") {
			t.Errorf("axis %d: %v", i, one.Ticks)
		}
	}
}

// Between two stops time runs evenly, and all stretches are of one width.
func TestAxis(t *testing.T) {
	t.Parallel()
	axis := Axis{Stops: []time.Time{day0, onDay(300), onDay(330), onDay(331)}, Columns: 31}
	for day, want := range map[int]int{-5: 0, 0: 0, 150: 5, 300: 10, 315: 15, 330: 20, 331: 30, 400: 30} {
		if got := axis.column(onDay(day), axis.Columns); got != want {
			t.Errorf("day %d is at %d, want %d", day, got, want)
		}
	}
	if got, want := axis.Timeline("", "", nil).Guides, "M10 2v32M20 2v32"; got != want {
		t.Errorf("guides %s, want %s", got, want)
	}
}

// However many images there are, a drawing has at most a tick of each mark in each column.
func TestTimelineIsBounded(t *testing.T) {
	t.Parallel()
	var ticks []Tick
	for i := range 50_000 {
		ticks = append(ticks, Tick{day0.Add(time.Duration(i) * time.Minute), []Mark{Kept, Gone, Left, Protected}[i%4]})
	}
	got := render(t, "timeline", Axis{Stops: []time.Time{day0, onDay(20), onDay(50)}, Columns: 300}.Timeline("a", "b", ticks))
	if len(got) > 20_000 {
		t.Errorf("%d bytes", len(got))
	}
	if n := strings.Count(got, "<path"); n != 7 {
		t.Errorf("%d paths, want those of 4 marks, the dots, the guides and the axis", n)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		whole int64
		parts []Part
		want  []Box
	}{
		{100, []Part{{Kept, 25}, {Gone, 50}}, []Box{{Kept, 0, 250}, {Gone, 250, 500}}},
		{1 << 60, []Part{{Kept, 1}, {Gone, 1 << 60}}, []Box{{Kept, 0, 4}, {Gone, 4, 996}}},
		{10, []Part{{Kept, 10}, {Left, 1}, {Gone, 0}}, []Box{{Kept, 0, 1000}}},
		{0, []Part{{Kept, 10}}, nil},
		{10, []Part{{Kept, -5}, {Gone, 5}}, []Box{{Gone, 0, 500}}},
	} {
		if got := NewBar("", test.whole, test.parts...).Parts; fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v of %d: got %v, want %v", test.parts, test.whole, got, test.want)
		}
	}
}

// What a drawing says about itself cannot leave its element.
func TestDrawingsEscape(t *testing.T) {
	t.Parallel()
	nasty := `</title></desc></svg><script>"'&`
	for name, drawing := range map[string]any{
		"timeline": Axis{Columns: 4}.Timeline(nasty, nasty, []Tick{{day0, Kept}}),
		"bar":      NewBar(nasty, 2, Part{Kept, 1}),
	} {
		got := render(t, name, drawing)
		if strings.Contains(got, "<script") || strings.Count(got, "</title>") != 1 || strings.Count(got, "</svg>") != 1 {
			t.Errorf("%s: %s", name, got)
		}
		if strings.Contains(got, "style=") || strings.Contains(got, "ZgotmplZ") {
			t.Errorf("%s has what a content security policy forbids: %s", name, got)
		}
	}
	if got := render(t, "sample", Sample(Protected)); !strings.Contains(got, "M1 6h0") {
		t.Errorf("sample: %s", got)
	}
}

// Colours differ from a white and from a dark page by 3:1, as browsers have them (#121212 in Chromium).
func TestColoursHaveContrast(t *testing.T) {
	t.Parallel()
	for _, mark := range order {
		l := luminance(t, mark.Colour())
		if light, dark := 1.05/(l+0.05), (l+0.05)/(luminance(t, "#121212")+0.05); light < 3 || dark < 3 {
			t.Errorf("%s: %.2f on white, %.2f on black", mark, light, dark)
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		sum += weight * math.Pow((float64(n)/255+0.055)/1.055, 2.4)
	}
	return sum
}
