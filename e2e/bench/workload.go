package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
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

// fill pushes the images and returns what must survive.
func (r repository) fill(ctx context.Context, url string) (map[string]oci.Digest, error) {
	images, newest := r.build()
	digests, err := fixture.New(url, r.path).Images(ctx, images)
	out := map[string]oci.Digest{}
	for i, d := range digests {
		if newest[i] {
			out[images[i].Tags[0]] = d
		}
	}
	return out, err
}

// build returns the images, and which of them must survive: the newest by date. Tags are build numbers, and the dates
// are shuffled against them, the same way in every run, so that neither the order of a listing nor that of the tags
// finds the newest.
func (r repository) build() (images []fixture.Image, newest []bool) {
	hours := rand.New(rand.NewPCG(uint64(r.images), 0)).Perm(r.images)
	for i, hour := range hours {
		images = append(images, fixture.Image{
			Tags:    []string{fmt.Sprintf("build-%d", i+1)},
			Seed:    fmt.Sprintf("%s build %d", r.path, i+1),
			Created: firstBuild.Add(time.Duration(hour) * time.Hour),
		})
		newest = append(newest, hour >= r.images-keep)
	}
	return images, newest
}
