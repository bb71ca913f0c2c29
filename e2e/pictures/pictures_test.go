package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// The recording has the call, the rows of one repository in their colours and the last line, and names no port.
func TestScene(t *testing.T) {
	t.Parallel()
	const said = "words\n  $ regsweep '127.0.0.1:5/zdtest/*' --keep-last 2 --color always\n\n127.0.0.1:5/zdtest/api: keep\n  keep  1\n" +
		"127.0.0.1:5/zdtest/web: keep\n\n  \x1b[32mkeep\x1b[0m    <1574>  2 minutes\n  \x1b[31mdelete\x1b[0m  1572\n\n127.0.0.1:5/zdtest/worker: keep\n" +
		"9 repositories: deleted 455 images, kept 23, failed 0 and many more words that make this line longer than a line of the recording can be\nrest\n"
	lines, err := scene(said)
	if err != nil {
		t.Fatal(err)
	}
	svg, err := terminal(lines)
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
	}
	for _, want := range []string{`class="c">$ regsweep 'registry.example.com/zdtest/*' --keep-last 2<`, `class="g">keep<`, `>&lt;1574&gt;  2 minutes<`, `class="r">delete<`, "9 repositories: deleted 455 images"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	for _, not := range []string{"127.0.0.1", "zdtest/api", "zdtest/worker", "\x1b", "--color"} {
		if strings.Contains(string(svg), not) {
			t.Errorf("%q is in\n%s", not, svg)
		}
	}
	if _, err := scene("nothing"); err == nil {
		t.Error("a demo that prints something else is recorded")
	}
}
