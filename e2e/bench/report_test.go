package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/relay"
	"github.com/regsweep/regsweep/internal/doctest"
)

// made is a report of one registry, as a run with a budget makes it.
func made() report {
	measured := func(images int, d time.Duration) cell {
		return cell{images: images, result: &result{elapsed: d, verdict: verdict{2, 2, 0}}}
	}
	p := &panel{kind: distributions[1], best: 16, triedWith: 1000, tried: map[int]time.Duration{16: time.Second}}
	p.rows = []row{
		{contestant{name: nameScript, label: "script", style: "script"}, []cell{measured(500, 5*time.Second), measured(1000, 20*time.Second), {images: 5000, estimate: 500 * time.Second}}},
		{contestant{name: nameRegsweep, label: "regsweep", style: "regsweep", against: nameSafe}, []cell{measured(500, time.Second/2), measured(1000, time.Second), measured(5000, 5*time.Second)}},
		{contestant{name: nameFloor, label: "floor", style: "floor"}, []cell{measured(500, time.Second/2), measured(1000, time.Second), measured(5000, 5*time.Second)}},
		{contestant{name: nameSafe}, []cell{measured(1000, 800*time.Millisecond)}},
	}
	objects := &panel{kind: kind{name: "3.1.2, object storage with 10ms an operation", deletesTags: true, operation: 10 * time.Millisecond}, best: 16, triedWith: 100}
	objects.rows = []row{
		{p.rows[0].contestant, []cell{measured(100, 30*time.Second), {images: 1000, estimate: 50 * time.Minute}}},
		{p.rows[1].contestant, []cell{measured(100, 4*time.Second), measured(1000, 40*time.Second)}},
		{p.rows[2].contestant, []cell{measured(100, time.Second), measured(1000, 13*time.Second)}},
	}
	return report{
		command: "go run -C e2e ./bench", panels: []*panel{p, objects, {kind: distributions[1], delay: 20 * time.Millisecond, rows: p.rows}},
		steady: []steadyResult{{kind: distributions[1], line: relay.Options{RoundTrip: steadyDelay}, result: result{elapsed: 200 * time.Millisecond}}},
		prices: []prices{{kind: distributions[1], images: 1000, rows: []bare.Price{{Kind: "HEAD manifest", Elapsed: time.Second}, {Kind: "GET config", Elapsed: 12 * time.Second}}}},
		others: []otherResult{
			{"olareg", contestant{name: nameNaive}, 1000, result{elapsed: time.Second}},
			{"olareg", contestant{name: nameByName, against: nameSafeByName}, 1000, result{elapsed: 1100 * time.Millisecond}},
			{"olareg", contestant{name: nameSafeByName}, 1000, result{elapsed: 2 * time.Second}},
		},
		listings: []listingResult{{"GitLab", 1000, reading{time.Second / 2, 11}, reading{2 * time.Second, 1001}, reading{5 * time.Second, 3001}}},
		job: []jobResult{
			{distributions[1], contestant{name: nameScript}, 6516, result{elapsed: time.Minute}}, {distributions[1], contestant{name: nameRegsweep, exact: true}, 6516, result{elapsed: 10 * time.Second, requests: tally{listTags: 9, headManifest: 2000, getBlob: 500}}},
		},
		scale: []scaleResult{{what: manyTags, kind: "3.1.2", count: 20000, elapsed: time.Second, peak: 100e6}, {what: manyTags, kind: "3.1.2", count: 100000, elapsed: 5 * time.Second, peak: 290e6}},
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	made().write(&b)
	for _, want := range []string{
		"Made by `go run -C e2e ./bench`",
		"| the script | 5.00 s | 20.0 s | not run (≈ 8 min by its growth) | 2.00 (500 to 1000) |",
		"| regsweep | 0.50 s | 1.00 s | 5.00 s | 1.00 (500 to 5000) |",
		"| regsweep | 10 / 1.00 / – | 20 / 1.00 / 1.25 | – / 1.00 / – |",
		"| 3.1.2, 1000 images, every date to be read: times the safe floor | at most 1.25 | 1.25 | yes | 1 |",
		"| 3.1.2, 1000 images, every date to be read: times as fast as the script | at least 15 | 20 | yes | 25 |",
		"| 2.8.2, 1000 images, retag, a policy without dates: times as fast as the script | at least 4 | – | not measured in this run | – |",
		"### registry 3.1.2, object storage with 10ms an operation\n",
		"| 3.1.2, object storage with 10ms an operation, 1000 images, every date to be read: times as fast as the script, by its growth where it was not run | at least 20 | 75 | yes | – |",
		"| steady state, 3.1.2, a new connection costs nothing: round trips | at most 9 | 10 | **no** | – |",
		"### What 1000 requests of each kind take: registry 3.1.2 on loopback",
		"| GET config | 12.0 s | 12 |",
		"| 3.1.2 | 100000 | 5.00 s | 0 | 277 MiB | 1.00 | 0.66 |",
		"| 100000 tags in one repository, a dry run with a JSON report: peak memory in MB | at most 300 | 290 | yes | – |",
		"| olareg, 1000 images, regsweep `--sort name`: times the naive loop | at most 1.15 | 1.1 | yes | 2 |",
		"| 3.1.2, nine repositories, regsweep: times as fast as the script | at least 5 | 6 | yes | 7.5 |",
		"| regsweep | 3.1.2 | 6516 | 10.0 s | 6.00 | 0 of 0 | 0 | 2509 | – | 8.00 s |",
		"| GitLab | 1000 | 0.50 s | 11 | 2.00 s | 1001 | 5.00 s | 3001 | 4.00 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
			t.Errorf("a row without an end: %q", line)
		}
	}
}

func TestPlotIsXML(t *testing.T) {
	t.Parallel()
	for name, panels := range map[string][]*panel{
		"measured": made().panels,
		"one size": {{kind: distributions[0], rows: []row{{contestant{label: "floor", style: "floor"}, []cell{{images: 100, result: &result{elapsed: time.Second}}}}}}},
		"nothing":  {{kind: distributions[0], rows: []row{{contestant{label: "floor", style: "floor"}, []cell{{images: 100, failed: true}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := writePlot(&b, panels); err != nil {
				t.Fatal(err)
			}
			d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%v in\n%s", err, b.String())
				}
			}
			if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
				t.Errorf("a point is nowhere:\n%s", b.String())
			}
			for _, p := range panels {
				if !strings.Contains(b.String(), title(p.kind, p.delay)) {
					t.Errorf("panel %q is missing", title(p.kind, p.delay))
				}
			}
		})
	}
}

func TestLabelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	lines := []drawnLine{{Label: "c", LabelX: 1, LabelY: panelHeight}, {Label: "a", LabelX: 1, LabelY: 100}, {Label: "b", LabelX: 1, LabelY: 101}, {Label: "d", LabelX: 1, LabelY: panelHeight - 1}}
	spread(lines)
	slices.SortFunc(lines, func(a, b drawnLine) int { return int(a.LabelY - b.LabelY) })
	order := ""
	for i, l := range lines {
		order += l.Label
		if l.LabelY > panelHeight || (i > 0 && l.LabelY-lines[i-1].LabelY < labelHeight) {
			t.Errorf("label %s stands at %v", l.Label, l.LabelY)
		}
	}
	if order != "abdc" {
		t.Errorf("got the order %s, want abdc", order)
	}
}

func TestReplaceBlock(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.md")
	blockBegin, blockEnd := markers(tablesMark)
	for _, tc := range []struct{ page, want string }{
		{"# Page\n\n" + blockBegin + "old\n" + blockEnd + "\nprose\n", "# Page\n\n" + blockBegin + "\nnew\n\n" + blockEnd + "\nprose\n"},
		{"# Page\n" + blockBegin + "no end\n", ""},
		{"# Page\n" + blockEnd + blockBegin, ""},
	} {
		if err := os.WriteFile(file, []byte(tc.page), 0o600); err != nil {
			t.Fatal(err)
		}
		err := replaceBlock(file, tablesMark, []byte("new\n"))
		got, failed := os.ReadFile(file)
		if failed != nil {
			t.Fatal(failed)
		}
		if tc.want == "" && (err == nil || string(got) != tc.page) {
			t.Errorf("got %v and %q, want an error and the page as it was", err, got)
		}
		if tc.want != "" && (err != nil || string(got) != tc.want) {
			t.Errorf("got %v and %q, want %q", err, got, tc.want)
		}
	}
}

// TestAnswer holds that the page answers with what was measured, and says what was estimated.
func TestAnswer(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &panel{kind: distributions[1], delay: 20 * time.Millisecond, rows: []row{
		{contestant{name: nameRegsweep}, []cell{{images: 1000, result: &result{elapsed: time.Second}}, {images: asked, result: &result{elapsed: 3450 * time.Millisecond}}}},
		{contestant{name: nameWarm}, []cell{{images: asked, failed: true}}},
		{contestant{name: nameScript}, []cell{{images: asked, estimate: 86 * time.Second}}},
	}}
	writeAnswer(&b, []*panel{p})
	if want := "| distribution 3.1.2, 20ms away | 3.45 s | – | – | ≈ 86 s |\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("got\n%s\nwant the row\n%s", &b, want)
	}
}

// TestPageWithoutBounds holds that a page gets the answer and the tables, and that the bounds stay in the output.
func TestPageWithoutBounds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.md")
	answer, answerEnd := markers(answerMark)
	tables, tablesEnd := markers(tablesMark)
	if err := os.WriteFile(file, []byte(answer+answerEnd+tables+tablesEnd), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (options{write: file}).publish(made(), &out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first run", "Made by"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if bound := "at least 15"; bytes.Contains(page, []byte(bound)) || !strings.Contains(out.String(), bound) {
		t.Errorf("%q is to be in the output alone; the page:\n%s\nthe output:\n%s", bound, page, &out)
	}
}

// The page that holds the tables has a place for them.
func TestPageHasMarkers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{answerMark, tablesMark} {
		begin, end := markers(mark)
		if b, e := bytes.Index(page, []byte(begin)), bytes.Index(page, []byte(end)); b < 0 || e < b {
			t.Errorf("got the markers of %s at %d and %d", mark, b, e)
		}
	}
}

// TestPageCommands reads the options of each call of the benchmark on the pages.
func TestPageCommands(t *testing.T) {
	t.Parallel()
	blocks, err := doctest.Of(os.DirFS("../.."), doctest.Shell)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, b := range blocks {
		for line := range strings.Lines(b.Text) {
			command, _, _ := strings.Cut(line, " #")
			args, ours := strings.CutPrefix(command, "go run -C e2e ./bench")
			if !ours {
				continue
			}
			calls++
			if _, err := parse(strings.Fields(args), io.Discard); err != nil {
				t.Errorf("%s: %s: %v", b, command, err)
			}
		}
	}
	if calls < 4 {
		t.Errorf("%d calls", calls)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args   string
		images []int // nil is an error
		budget time.Duration
	}{
		{"", []int{100, 500, 1000, 2000, 5000}, 20 * time.Second},
		{"--quick", []int{100, 500}, 10 * time.Second},
		{"--quick --n 50,10 --budget 1s", []int{10, 50}, time.Second},
		{"--n 100,", nil, 0},
		{"--n 2", nil, 0},
		{"--delay 20", nil, 0},
		{"--delay -1s", nil, 0},
		{"--registry 1.0", nil, 0},
		{"--budget 0", nil, 0},
		{"everything", nil, 0},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Parallel()
			o, err := parse(strings.Fields(tc.args), io.Discard)
			if tc.images == nil {
				if !errors.Is(err, errUsage) {
					t.Errorf("got %v, want %v", err, errUsage)
				}
				return
			}
			if err != nil || !slices.Equal(o.images, tc.images) || o.budget != tc.budget {
				t.Errorf("got %v, %v and %v, want %v and %v", o.images, o.budget, err, tc.images, tc.budget)
			}
		})
	}
}
