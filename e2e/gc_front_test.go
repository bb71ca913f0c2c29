package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// A proxy in front goes on answering when the registry is stopped, as nginx does with a page, with a login of its own, and
// with the header of the API on all of it. That is not the registry, which is collected.
func TestGCBehindAProxy(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]struct {
		status int
		body   string
	}{
		"a page":   {http.StatusOK, "<html>we are back soon</html>"},
		"a login":  {http.StatusUnauthorized, "<html>who are you?</html>"},
		"an error": {http.StatusBadGateway, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t, lines[0])
			d.builds("team/app", 8, 1000)
			d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
			to, err := url.Parse(d.URL)
			must(t, err)
			proxy := &httputil.ReverseProxy{
				Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
				ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
					w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
					w.Header().Set("Server", "nginx")
					w.WriteHeader(down.status)
					_, _ = io.WriteString(w, down.body)
				},
			}
			front := httptest.NewServer(proxy)
			t.Cleanup(front.Close)
			host := strings.TrimPrefix(front.URL, "http://")
			got := d.regsweep(append([]string{"gc", host + "/team/app"}, d.byHand()...)...)
			d.want(got, 0)
			if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 {
				t.Errorf("got %+v", *g)
			}
			d.healthy("team/app", "b7", "b8")
			if down.status == http.StatusOK { // nothing but the page
				page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proxy.ErrorHandler(w, r, nil) }))
				t.Cleanup(page.Close)
				d.want(d.regsweep(append([]string{"gc", strings.TrimPrefix(page.URL, "http://")}, d.byHand()...)...), 4,
					"the registry does not serve: GET ", `"nginx" answers in place of the registry`, "nothing was stopped")
			}
		})
	}
}
