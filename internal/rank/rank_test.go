package rank

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func snapshot(path string, images ...oci.Image) oci.Snapshot {
	return oci.Snapshot{Repository: oci.Repository{Host: "registry.example.com", Path: path}, Images: images}
}

func image(kind oci.Kind, daysOld int, blobs ...int) oci.Image {
	i := oci.Image{Kind: kind, Tags: []string{"a", "b"}, Created: now.AddDate(0, 0, -daysOld)}
	for _, n := range blobs {
		i.Blobs = append(i.Blobs, oci.Blob{Digest: oci.Digest(fmt.Sprintf("sha256:%064x", n)), Size: int64(n)})
	}
	return i
}

func paths(r Ranking) string {
	var out []string
	for _, repository := range r.Repositories {
		out = append(out, repository.Path)
	}
	return strings.Join(out, " ")
}

func TestLedger(t *testing.T) {
	t.Parallel()
	undated := image(oci.KindImage, 0, 4000)
	undated.Created = time.Time{}
	var l Ledger
	l.Add(snapshot("small", image(oci.KindImage, 3, 1, 20)), now)
	l.Add(snapshot("large", image(oci.KindImage, 9, 1, 20, 300), image(oci.KindIndex, 5), image(oci.KindAttachment, 40, 300), undated, image(oci.KindImage, -2)), now)
	l.Add(snapshot("empty"), now)
	ghosts := snapshot("third", image(oci.KindImage, 1, 1))
	ghosts.Ghosts = []string{"g"}
	l.Add(ghosts, now)
	got := l.Ranking("registry.example.com")
	want := Ranking{
		Source: FromRegistry, Asked: "registry.example.com", Bytes: 4321, Shared: 21,
		Repositories: []Row{
			{Path: "large", Tags: 10, Manifests: 5, Blobs: 4, Own: 4300, Shared: 21, Oldest: now.AddDate(0, 0, -9), Newest: now.AddDate(0, 0, -5)},
			{Path: "small", Tags: 2, Manifests: 1, Blobs: 2, Shared: 21, Oldest: now.AddDate(0, 0, -3), Newest: now.AddDate(0, 0, -3)},
			{Path: "third", Tags: 3, Manifests: 1, Blobs: 1, Shared: 1, Oldest: now.AddDate(0, 0, -1), Newest: now.AddDate(0, 0, -1)},
			{Path: "empty"},
		},
		Together: []Together{{[]string{"large", "small"}, 20}, {[]string{"large", "small", "third"}, 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Own() != 4300 || got.Manifests() != 7 {
		t.Errorf("got %d own bytes and %d manifests", got.Own(), got.Manifests())
	}
}

// The ledger counts as somebody would who has all blobs of all repositories before them.
func TestLedgerAgreesWithSets(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var l Ledger
		users := map[int]map[string]bool{}
		for n := range 1 + random.IntN(6) {
			path := fmt.Sprint("r", n)
			var images []oci.Image
			for range random.IntN(5) {
				var blobs []int
				for range random.IntN(4) {
					b := 1 + random.IntN(12)
					blobs = append(blobs, b)
					if users[b] == nil {
						users[b] = map[string]bool{}
					}
					users[b][path] = true
				}
				images = append(images, image(oci.KindImage, 1, blobs...))
			}
			l.Add(snapshot(path, images...), now)
		}
		got := l.Ranking("")
		own, shared := map[string]int64{}, map[string]int64{}
		var bytes, common int64
		for b, by := range users {
			bytes += int64(b)
			for path := range by {
				if len(by) == 1 {
					own[path] += int64(b)
				} else {
					shared[path] += int64(b)
				}
			}
			if len(by) > 1 {
				common += int64(b)
			}
		}
		for _, r := range got.Repositories {
			if r.Own != own[r.Path] || r.Shared != shared[r.Path] {
				t.Errorf("seed %d: %+v, want own %d and shared %d", seed, r, own[r.Path], shared[r.Path])
			}
		}
		few := map[string]int64{}
		for b, by := range users {
			if n := len(by); n > 1 && n <= maxFew {
				few[strings.Join(slices.SortedFunc(maps.Keys(by), oci.NaturalCompare), " ")] += int64(b)
			}
		}
		for _, x := range got.Together {
			if name := strings.Join(x.Paths, " "); few[name] != x.Bytes {
				t.Errorf("seed %d: %s share %d, want %d", seed, name, x.Bytes, few[name])
			} else {
				delete(few, name)
			}
		}
		if len(few) > 0 {
			t.Errorf("seed %d: not told: %v", seed, few)
		}
		if got.Bytes != bytes || got.Shared != common {
			t.Errorf("seed %d: %d bytes and %d shared, want %d and %d", seed, got.Bytes, got.Shared, bytes, common)
		}
	}
}

// A manifest can claim what it likes of a blob's size.
func TestLedgerIsNotRunOver(t *testing.T) {
	t.Parallel()
	var l Ledger
	for n := range 3 {
		i := image(oci.KindImage, 1, n, 9)
		for k := range i.Blobs {
			i.Blobs[k].Size = 1<<63 - 1
		}
		l.Add(snapshot(fmt.Sprint(n), i), now)
	}
	for _, r := range l.Ranking("").Repositories {
		if r.Own != maxBlob || r.Shared != maxBlob {
			t.Errorf("got %+v", r)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	got := Ranking{Repositories: []Row{
		{Path: "b10"}, {Path: "b9"}, {Path: "blobs", Blobs: 1}, {Path: "manifests", Manifests: 1}, {Path: "shared", Shared: 9, Manifests: 2}, {Path: "own", Own: 1},
	}}
	sort(got.Repositories)
	if want := "own shared manifests blobs b9 b10"; paths(got) != want {
		t.Errorf("got %s, want %s", paths(got), want)
	}
}

func TestOfLog(t *testing.T) {
	t.Parallel()
	log := gc.Log{Repositories: []gc.Marked{{Name: "a", Manifests: 1, Blobs: 9}, {Name: "b", Manifests: 3, Blobs: 1}, {Name: "c", Manifests: 3, Blobs: 2}}, BlobsMarked: 16, BlobsEligible: 2, ManifestsEligible: 1}
	got := OfLog("gc.log", log)
	if paths(got) != "c b a" || got.Source != FromLog || got.Manifests() != 7 || got.Log.BlobsMarked != 16 {
		t.Errorf("got %+v", got)
	}
	if log.Repositories[0].Name != "a" {
		t.Error("the log was sorted")
	}
}
