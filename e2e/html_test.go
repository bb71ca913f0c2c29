package e2e

import (
	"bytes"
	"context"
	"errors"
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

// TestHTMLInABrowser looks at a merged HTML report as a reader of a Jenkins job does. Debian's chromium is the browser.
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
	report := filepath.Join(t.TempDir(), "all.html")
	merge := exec.CommandContext(t.Context(), filepath.Join(program, "regsweep"), append([]string{"report", "--report", report}, shards...)...)
	merge.Env = []string{} // not that of the CI that this may run in
	out, err := merge.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit); exit == nil || exit.ExitCode() != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	page, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
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
	serve("/report", jenkinsPolicy, string(page))
	serve("/styled", jenkinsPolicy, `<!doctype html><p style="color: red">red</p>`)
	serve("/bare", "", string(page))
	serve("/phone", "", `<!doctype html><iframe id="f" src="/bare" width="390" height="800" frameborder="0"></iframe><script>
document.getElementById("f").onload = e => { document.title = "width " + e.target.contentDocument.documentElement.scrollWidth }</script>`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b := chromium{path: browser, base: server.URL}

	t.Run("the policy is content", func(t *testing.T) {
		_, said := b.open(t, "/report", "--dump-dom")
		if strings.Contains(said, "CONSOLE") {
			t.Errorf("the console says\n%s", said)
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
		dom, _ := b.open(t, "/phone", "--dump-dom", "--virtual-time-budget=10000")
		m := regexp.MustCompile(`<title>width (\d+)</title>`).FindStringSubmatch(dom)
		if m == nil || m[1] != "390" {
			t.Errorf("the page needs %v points, a phone has 390\n%s", m, dom)
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
