package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
	b := newChromium(t)
	t.Run("the policy", func(t *testing.T) {
		for name := range b.pages {
			_, said := b.open(t, "/"+name, "--dump-dom")
			for line := range strings.Lines(said) {
				if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "inline style") {
					t.Errorf("%s: the console says %s", name, line)
				}
			}
			if whole := !strings.Contains(said, "CONSOLE"); whole != strings.HasSuffix(name, "/") {
				t.Errorf("%s: the policy lets everything through: %v", name, whole)
			}
		}
	})
	t.Run("drawings stay", func(t *testing.T) {
		for _, name := range []string{"report", "ranking"} {
			if n := b.painted(t, "/"+name, color.RGBA{0x2f, 0x7f, 0xd0, 0xff}); n < 100 {
				t.Errorf("%s: %d points of a drawing under the policy", name, n)
			}
		}
		// With the style in the page, drawings have its colours. Those that are files have their own.
		for name, colour := range map[string]color.RGBA{"bare/ranking": {0x1f, 0x6f, 0xc2, 0xff}, "report/": {0x2f, 0x7f, 0xd0, 0xff}, "ranking/": {0x2f, 0x7f, 0xd0, 0xff}} {
			if n := b.painted(t, "/"+name, colour); n < 100 {
				t.Errorf("%s: %d points of a drawing with a style", name, n)
			}
		}
	})
	t.Run("light and dark", func(t *testing.T) {
		for _, name := range []string{"/report", "/report/"} {
			light, dark := b.background(t, name), b.background(t, name, dark)
			if light < 0xf000 || dark > 0x4000 {
				t.Errorf("%s: the background is %#x for a reader who prefers light and %#x for one who prefers dark", name, light, dark)
			}
		}
	})
	t.Run("laid out", func(t *testing.T) {
		for name := range b.pages {
			b.structure(t, name)
		}
	})
	t.Run("for all readers", b.accessible)
}

// dark is a reader who prefers dark pages.
const dark = "--blink-settings=preferredColorScheme=0"

// newChromium serves pages of each kind, those of a folder with a slash at the end of their names: under Jenkins' policy, bare,
// and under the policy without its sandbox, which a frame cannot look into.
func newChromium(t *testing.T) chromium {
	t.Helper()
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
	c := chromium{path: browser, pages: map[string]string{}}
	mux := http.NewServeMux()
	add := func(name string, code int, args ...string) {
		dir := written(t, code, args...)
		for at, policy := range map[string]string{"/": jenkinsPolicy, "/bare/": "", "/policy/": strings.TrimPrefix(jenkinsPolicy, "sandbox; ")} {
			mux.Handle("GET "+at+name, served(policy, filepath.Join(dir, "page.html")))
			mux.Handle("GET "+at+name+"/{$}", served(policy, filepath.Join(dir, "folder", "index.html")))
			mux.HandleFunc("GET "+at+name+"/{file}", func(w http.ResponseWriter, r *http.Request) {
				served(policy, filepath.Join(dir, "folder", filepath.Base(r.PathValue("file")))).ServeHTTP(w, r)
			})
		}
		c.pages[name], c.pages[name+"/"] = dir, dir
	}
	add("report", 3, append([]string{"report"}, shards...)...)
	add("collection", 0, "report", "../internal/report/testdata/TestGolden/json/gc_down.golden")
	add("ranking", 0, "rank", "--from", "../testdata/gc/dry-run-3.1.log")
	mux.HandleFunc("GET /layouts", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, strings.Replace(layouts, "NAME", r.FormValue("name"), 1))
	})
	mux.HandleFunc("GET /checked/{name}", c.checked)
	mux.Handle("GET /axe.js", served("", axe))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.base = server.URL
	return c
}

// written runs regsweep and returns the folder of its reports.
func written(t *testing.T, code int, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := sweep(t, append(args, "--report", filepath.Join(dir, "page.html"), "--report", filepath.Join(dir, "folder")+"/")...)
	cmd.Env = []string{} // not that of the CI that this may run in
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return dir
}

// served serves a file under a policy; "" is none.
func served(policy, file string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mime.TypeByExtension(filepath.Ext(file)))
		_, _ = w.Write(text)
	})
}

// chromium is a browser that looks at a server.
type chromium struct {
	path, base string
	pages      map[string]string // the folder of the files, by the name
}

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
	return color.Gray16Model.Convert(c.picture(t, page, args...).At(2, 2)).(color.Gray16).Y
}

// painted counts the points of a page that have a colour.
func (c chromium) painted(t *testing.T, page string, want color.RGBA) int {
	t.Helper()
	picture, n := c.picture(t, page, "--force-device-scale-factor=1", "--force-color-profile=srgb"), 0
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if color.RGBAModel.Convert(picture.At(x, y)) == color.Color(want) {
				n++
			}
		}
	}
	return n
}

func (c chromium) picture(t *testing.T, page string, args ...string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	c.open(t, page, append(args, "--screenshot="+file, "--window-size=800,1600")...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
