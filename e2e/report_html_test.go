package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// jenkinsPolicy is Jenkins' default for what builds leave behind, without the exceptions that some versions make
// (https://www.jenkins.io/doc/book/security/configuring-content-security-policy/).
const jenkinsPolicy = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"

// TestHTMLInABrowser looks at HTML reports as a reader of a Jenkins job does. Debian's chromium is the browser.
func TestHTMLInABrowser(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatal("chromium is not installed (apt-get install chromium)")
		}
		t.Skip(err)
	}
	shards, err := filepath.Glob(filepath.Join("..", "testdata", "reports", "shard-*.json"))
	if err != nil || len(shards) < 2 {
		t.Fatalf("%d shards: %v", len(shards), err)
	}
	written := func(code int, args ...string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "page.html")
		cmd := exec.CommandContext(t.Context(), filepath.Join(program, "regsweep"), append(args, "--report", file)...)
		cmd.Env = []string{} // not that of the CI that this may run in
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	pages := map[string]string{
		"report":     written(3, append([]string{"report"}, shards...)...),
		"collection": written(0, "report", "../internal/report/testdata/TestGolden/json/gc_down.golden"),
		"ranking":    written(0, "rank", "--from", "../testdata/gc/dry-run-3.1.log"),
	}
	mux := http.NewServeMux()
	serve := func(path, policy, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if policy != "" {
				w.Header().Set("Content-Security-Policy", policy)
			}
			fmt.Fprint(w, body)
		})
	}
	serve("/styled", jenkinsPolicy, `<!doctype html><p style="color: red">red</p>`)
	for name, page := range pages {
		serve("/"+name, jenkinsPolicy, page)
		serve("/bare/"+name, "", page)
		serve("/phone/"+name, "", `<!doctype html><iframe id="f" src="/bare/`+name+`" width="390" height="800" frameborder="0"></iframe><script>
document.getElementById("f").onload = e => { document.title = "width " + e.target.contentDocument.documentElement.scrollWidth }</script>`)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b := chromium{path: browser, base: server.URL}

	t.Run("the policy is content", func(t *testing.T) {
		for name := range pages {
			if _, said := b.open(t, "/"+name, "--dump-dom"); strings.Contains(said, "CONSOLE") {
				t.Errorf("%s: the console says\n%s", name, said)
			}
		}
		// That nothing is said proves something only when a page that is against the policy is spoken of.
		if _, said := b.open(t, "/styled", "--dump-dom"); !strings.Contains(said, "Content Security Policy") {
			t.Errorf("the console does not object to a style\n%s", said)
		}
	})
	t.Run("light and dark", func(t *testing.T) {
		light, dark := b.background(t, "/report"), b.background(t, "/report", "--blink-settings=preferredColorScheme=0")
		if light < 0xf000 || dark > 0x4000 {
			t.Errorf("the background is %#x for a reader who prefers light and %#x for one who prefers dark", light, dark)
		}
	})
	t.Run("on a phone", func(t *testing.T) {
		for name := range pages {
			dom, _ := b.open(t, "/phone/"+name, "--dump-dom", "--virtual-time-budget=10000")
			m := regexp.MustCompile(`<title>width (\d+)</title>`).FindStringSubmatch(dom)
			if m == nil || m[1] != "390" {
				t.Errorf("%s needs %v points, a phone has 390\n%s", name, m, dom)
			}
		}
	})
}

// chromium is a browser that looks at a server.
type chromium struct{ path, base string }

// open returns what the browser printed and what it said while it showed a page.
func (c chromium) open(t *testing.T, page string, args ...string) (stdout, stderr string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "regsweep-chromium-") // which its children may still write to when it has ended
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--user-data-dir=" + profile, "--enable-logging=stderr", "--v=0",
	}, append(args, c.base+page)...)...)
	cmd.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", page, err, said.String())
	}
	return out.String(), said.String()
}

// background is how bright the corner of a page is, of 0xffff.
func (c chromium) background(t *testing.T, page string, args ...string) uint16 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	c.open(t, page, append(args, "--screenshot="+file, "--window-size=800,600")...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return color.Gray16Model.Convert(picture.At(2, 2)).(color.Gray16).Y
}
