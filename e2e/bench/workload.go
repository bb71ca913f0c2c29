package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// repository is a repository to fill and to prune.
type repository struct {
	path   string
	images int
}

// whole is the job of the script: nine repositories with 6516 images, 1868 to delete in the largest.
var whole = []repository{
	{"zdtest/web", 1870},
	{"zdtest/api", 1212},
	{"zdtest/worker", 934},
	{"zdtest/gateway", 741},
	{"zdtest/auth", 583},
	{"zdtest/billing", 467},
	{"zdtest/search", 345},
	{"zdtest/reports", 228},
	{"zdtest/mailer", 136},
}

// job returns the whole job or a part of it, in which every repository has something to delete.
func job(scale float64) []repository {
	var out []repository
	for _, r := range whole {
		out = append(out, repository{r.path, max(keep+1, int(math.Round(scale*float64(r.images))))})
	}
	return out
}

// firstBuild is when the first image of each repository was built.
var firstBuild = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

// pushes sends all pushes: with a client for each of 5,000 repositories, idle connections use up the open files of a process.
var pushes = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// fill pushes the images of a repository and returns what must survive.
func (r repository) fill(ctx context.Context, url string) (map[string]oci.Digest, error) {
	images := r.build()
	pusher := fixture.New(url, r.path)
	pusher.Client = pushes
	digests, err := pusher.Images(ctx, images)
	if err != nil {
		return nil, fmt.Errorf("fill %s: %w", r.path, err)
	}
	return newest(images, digests, keep), nil
}

// build returns the images. Tags are build numbers, and the dates are shuffled against them, the same way in every run,
// so that neither the order of a listing nor that of the tags finds the newest.
func (r repository) build() []fixture.Image {
	images := make([]fixture.Image, r.images)
	for i, hour := range rand.New(rand.NewPCG(uint64(r.images), 0)).Perm(r.images) {
		images[i] = fixture.Image{
			Tags:    []string{fmt.Sprintf("build-%d", i+1)},
			Seed:    fmt.Sprintf("%s build %d", r.path, i+1),
			Created: firstBuild.Add(time.Duration(hour) * time.Hour),
		}
	}
	return images
}

// newest returns what the tags of the n newest images point at.
func newest(images []fixture.Image, digests []oci.Digest, n int) map[string]oci.Digest {
	order := make([]int, len(images))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return images[b].Created.Compare(images[a].Created) })
	out := map[string]oci.Digest{}
	for _, i := range order[:min(n, len(order))] {
		out[images[i].Tags[0]] = digests[i]
	}
	return out
}
