package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// The three disasters of a garbage collection, each on the real registries, first without the safeguard and then with it.

// midway lets a collection mark the repository a/app and stops it, still marking, in z/filler: what is pushed to a/app now
// is not marked. The collection prints what it marks, and waits when nobody reads that.
func (d *depot) midway() gate {
	d.t.Helper()
	var images []fixture.Image
	for i := range 400 {
		images = append(images, fixture.Image{Tags: []string{fmt.Sprint("f", i)}, Seed: fmt.Sprint("filler", i)})
	}
	d.pusher("z/filler").Images(images)
	g := gate{d.t, d.t.TempDir()}
	d.stand("registry", fmt.Sprintf(`[ "$1" = garbage-collect ] || exec "$REAL" "$@"
"$REAL" "$@" | {
  while IFS= read -r line; do printf '%%s\n' "$line"; [ "$line" != z/filler ] || break; done
  : >%[1]s/collecting
  while [ ! -e %[1]s/open ]; do sleep 0.02; done
  cat
}`, g.dir))
	return g
}

func TestGCDisasterOfAPushMeanwhile(t *testing.T) {
	t.Parallel()
	for mode, served := range map[string]bool{"live": true, "offline": false} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			eachLine(t, func(t *testing.T, d *depot) {
				d.builds("a/app", 2, 1000)
				g := d.midway()
				cmd, stdout, stderr, report := d.command(append([]string{"gc", d.Host + "/a/app", "--gc-mode", mode}, d.byHand()...)...)
				must(t, cmd.Start())
				g.reached()
				if d.Answers() != served {
					t.Errorf("the registry serves: %v", !served)
				}
				push := fixture.New(d.URL, "a/app")
				_, err := push.Image(t.Context(), fixture.Image{Tags: []string{"meanwhile"}, Size: 1000})
				if (err == nil) != served {
					t.Errorf("the push says %v", err)
				}
				g.open()
				got := d.told(cmd.Wait(), stdout, stderr, report)
				d.want(got, 0)
				d.healthy("a/app", "b1", "b2")
				if !served {
					d.pusher("a/app").Image(fixture.Image{Tags: []string{"meanwhile"}, Size: 1000})
					d.healthy("a/app", "meanwhile")
					return
				}
				if !strings.Contains(got.stderr, "warning: --gc-mode live: what is pushed to the registry while it is collected can lose its layers") {
					t.Errorf("no warning: %s", got.stderr)
				}
				if d.whole("a/app", "meanwhile") == nil {
					t.Error("the image that was pushed meanwhile is whole: this test shows nothing")
				}
			})
		})
	}
}

// whole returns what a pull of a tag misses.
func (d *depot) whole(path, tag string) error {
	d.t.Helper()
	w := wire{T: d.t, Server: server{URL: d.URL, Host: d.Host}, Path: path, Push: d.pusher(path)}
	return registrytest.Pullable(func(p string) (int, []byte) {
		a := w.Do("GET", p)
		return a.Status, []byte(a.Body)
	}, tag)
}

func TestGCDisasterOfTheStaleCache(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"collected by hand": false, "collected by regsweep": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachLine(t, func(t *testing.T, d *depot) {
				p := d.pusher("team/app")
				p.Image(fixture.Image{Tags: []string{"kept"}})
				doomed := p.Image(fixture.Image{Tags: []string{"again"}, Size: 1000})
				w := wire{T: t, Server: server{URL: d.URL, Host: d.Host}, Path: "team/app", Push: p}
				manifest := w.Do("GET", "manifests/again")
				layer := between(manifest.Body, `"digest":"`, `"`, 3)
				if a := w.Do("HEAD", "blobs/"+layer); a.Status != http.StatusOK {
					t.Fatalf("the layer answers %d", a.Status)
				}
				w.Check("delete", w.Do("DELETE", "manifests/"+doomed.String()), http.StatusAccepted, "")
				if restarts {
					d.want(d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...), 0)
				} else {
					must(t, bounded(t, d.Binary, "garbage-collect", d.Config).Run())
				}
				// docker push asks for the layer and sends it only when it is not there.
				there := w.Do("HEAD", "blobs/"+layer).Status == http.StatusOK
				if there == restarts {
					t.Errorf("the registry says that it has the swept layer: %v", there)
				}
				if there {
					a := w.Send("PUT", "manifests/again", manifest.Header.Get("Content-Type"), manifest.Body, nil)
					w.Check("push again", a, http.StatusCreated, "")
					if got, err := registrytest.Client.Get(d.URL + "/v2/team/app/blobs/" + layer); err == nil {
						if n := readAll(got); n != 0 {
							t.Errorf("the layer has %d bytes: this test shows nothing", n)
						}
					}
					return
				}
				d.pusher("team/app").Image(fixture.Image{Tags: []string{"again"}, Size: 1000})
				d.healthy("team/app", "again", "kept")
			})
		})
	}
}

// readAll counts the bytes of an answer, as far as they come.
func readAll(resp *http.Response) (n int) {
	defer resp.Body.Close()
	b := make([]byte, 4096)
	for {
		k, err := resp.Body.Read(b)
		if n += k; err != nil {
			return n
		}
	}
}

// between returns what stands between two texts the nth time.
func between(text, open, end string, n int) string {
	for range n {
		_, text, _ = strings.Cut(text, open)
	}
	text, _, _ = strings.Cut(text, end)
	return text
}

// A run that is told to end, or that takes too long, ends the collection first and starts the registry then.
func TestGCIsCutShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags  []string
		signal bool
		code   int
		says   string
	}{
		"SIGTERM": {nil, true, 130, "signal received; the registry serves again"},
		"timeout": {[]string{"--gc-timeout", "2s"}, false, 4, "garbage-collect: it took longer than --gc-timeout; the registry serves again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t, lines[0])
			d.builds("team/app", 2, 1000)
			dir := t.TempDir()
			d.stand("registry", fmt.Sprintf(`[ "$1" = garbage-collect ] || exec "$REAL" "$@"
trap 'rm %[1]s/collecting; exit 1' TERM
: >%[1]s/collecting
while :; do sleep 0.05; done`, dir))
			g := gate{t, dir}
			d.Start = fmt.Sprintf("[ ! -e %s/collecting ] || : >%[1]s/corrupt; %s", dir, d.Start)
			cmd, stdout, stderr, report := d.command(append(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...), c.flags...)...)
			must(t, cmd.Start())
			g.reached()
			if c.signal {
				must(t, cmd.Process.Signal(syscall.SIGTERM))
			}
			got := d.told(cmd.Wait(), stdout, stderr, report)
			d.want(got, c.code, c.says)
			g.never()
			if g.exists("collecting") || !got.gc.Restarted || got.gc.Collected {
				t.Errorf("collecting: %v; got %+v", g.exists("collecting"), *got.gc)
			}
			d.healthy("team/app", "b1", "b2")
		})
	}
}
