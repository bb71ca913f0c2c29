package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// axe checks pages for readers of all kinds (https://github.com/dequelabs/axe-core).
var axe = filepath.Join("..", ".tools", "node_modules", "axe-core", "axe.min.js")

// layouts shows a page in frames of several widths, which windows of chromium cannot have all, and writes how it is laid out in
// each: the elements that matter, whether they are seen, and whether they or the page are wider than the frame.
const layouts = `<!doctype html><pre id="out"></pre><script>
const views = [
	["wide", 1200, "/bare/"], ["on a phone", 390, "/bare/"], ["in print", 700, "/bare/"],
	["under the policy", 1200, "/policy/"], ["under the policy on a phone", 390, "/policy/"],
]
function describe(doc, title) {
	const root = doc.documentElement, lines = ["# " + title + (root.scrollWidth > root.clientWidth ? " sticks out" : "")]
	if (title === "in print") for (const sheet of doc.styleSheets) for (const rule of sheet.cssRules) if (rule.media && rule.media.mediaText === "print") rule.media.mediaText = "all"
	for (const el of doc.querySelectorAll("h1, h2, h3, .state, .numbers, .legend, .zones, svg, img, table, caption, details")) {
		const r = el.getBoundingClientRect()
		let line = [el.localName, ...el.classList].join(".") + (r.width > 1 && r.height > 1 && el.checkVisibility() ? "" : " hidden") + (r.right > root.clientWidth + 1 || r.left < 0 ? " sticks out" : "")
		if (el.matches(".numbers")) line += " in " + new Set([...el.children].map(c => Math.round(c.getBoundingClientRect().top))).size + " lines"
		if (el.localName === "svg") line += " of " + el.querySelectorAll("path, rect").length
		if (el.localName === "img" && !el.naturalWidth) line += " broken"
		lines.push(line)
	}
	return lines.join("\n") + "\n"
}
Promise.all(views.map(([title, width, at]) => new Promise(done => {
	const frame = document.createElement("iframe")
	Object.assign(frame, {width, height: 800, frameBorder: 0, src: at + "NAME", onload: () => done(describe(frame.contentDocument, title))})
	document.body.append(frame)
}))).then(all => { document.getElementById("out").textContent = all.join("\n") })
</script>`

// structure compares how a page is laid out with what is stored: not its points, which differ from one machine to the next. With
// REGSWEEP_UPDATE=1 it stores what it finds.
func (c chromium) structure(t *testing.T, name string) {
	t.Helper()
	dom, _ := c.open(t, "/layouts?name="+name, "--dump-dom", "--virtual-time-budget=20000")
	m := regexp.MustCompile(`(?s)<pre id="out">(.*?)</pre>`).FindStringSubmatch(dom)
	if m == nil || m[1] == "" {
		t.Fatalf("%s: nothing in\n%s", name, dom)
	}
	got := m[1]
	if strings.Contains(got, "broken") {
		t.Errorf("%s: a picture is not there\n%s", name, got)
	}
	if strings.Contains(got, "sticks out") {
		t.Errorf("%s: an element is wider than the page\n%s", name, got)
	}
	compareStored(t, filepath.Join("testdata", "pages", strings.ReplaceAll(name, "/", "-folder")+".txt"), got)
}

// compareStored compares a text with a stored one. With REGSWEEP_UPDATE=1 it stores the text.
func compareStored(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("REGSWEEP_UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant (%s)\n%s", got, file, want)
	}
}

// checked is a page that axe looks at, with its style or, as under the policy, without.
func (c chromium) checked(w http.ResponseWriter, r *http.Request) {
	page, err := os.ReadFile(filepath.Join(c.pages[r.PathValue("name")], "page.html"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	text := string(page)
	if r.FormValue("style") == "none" {
		text = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(text, "")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, strings.Replace(text, "</body>", r.FormValue("spoil")+`<script src="/axe.js"></script><script>
for (const d of document.querySelectorAll("details")) d.open = true
axe.run().then(r => { document.title = "axe " + r.passes.length + " passes, violations:" + r.violations.map(v => " " + v.id + " at " + v.nodes.map(n => n.target.join(" ")).join(", ")).join(";") })
</script></body>`, 1))
}

// accessible holds that a checker finds nothing in the pages, whatever the reader prefers.
func (c chromium) accessible(t *testing.T) {
	if _, err := os.Stat(axe); err != nil {
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatal("axe-core is not installed (make tools)")
		}
		t.Skip(err)
	}
	check := func(page string, args ...string) string {
		t.Helper()
		dom, said := c.open(t, "/checked/"+page, append(args, "--dump-dom", "--virtual-time-budget=30000")...)
		m := regexp.MustCompile(`<title>axe [1-9]\d* passes, violations:(.*)</title>`).FindStringSubmatch(dom)
		if m == nil {
			t.Fatalf("%s: axe said nothing\n%s", page, said)
		}
		return m[1]
	}
	for name := range c.pages {
		if strings.HasSuffix(name, "/") { // has the same page
			continue
		}
		if found := check(name) + check(name, dark); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
	if found := check("report?style=none"); found != "" {
		t.Errorf("without a style: %s", found)
	}
	if found := check("report?spoil=%3Cimg%20src=x%3E"); !strings.Contains(found, "image-alt") {
		t.Errorf("axe does not object to an image without a text: %q", found)
	}
}
