package main

import "time"

const day = 24 * time.Hour

// pipeline is one of the team's and what it has left in its repository: an image for each build, tagged by the number
// of the build.
type pipeline struct {
	path   string
	last   int // the number of the last build
	builds int // how many builds there are
	every  time.Duration
	layer  int // bytes that each build adds to the layers that all share

	platforms []string       // more than one: each build is an index of that many images, with their provenance
	signed    bool           // each build has a signature of cosign's
	aliases   map[string]int // further tags, by build
	unchanged []int          // builds that made the very image of the build before
	undated   int            // a reproducible build, which claims to be of 1970
	ghost     int            // a build whose tag is listed and has no manifest
	also      string         // what a reader should look out for
}

// web is the pipeline that has just pushed its last build and runs the step.
var web = pipeline{
	path: "zdtest/web", last: 1574, builds: 150, every: 5 * time.Hour, layer: 256 << 10,
	aliases: map[string]int{"latest": 1574, "stable": 1571},
	also:    "latest is build 1574, stable is 1571",
}

// team are nine pipelines, in the order in which regsweep comes to them.
var team = []pipeline{
	{
		path: "zdtest/api", last: 1102, builds: 90, every: 7 * time.Hour, layer: 320 << 10,
		aliases: map[string]int{"latest": 1102, "release-1.0": 1034, "release-1.1": 1089},
		also:    "release-1.0 is build 1034, release-1.1 is 1089",
	},
	{
		path: "zdtest/auth", last: 311, builds: 45, every: 8 * time.Hour, layer: 96 << 10, signed: true,
		aliases: map[string]int{"release-1.0": 290},
		also:    "signed with cosign; release-1.0 is 290",
	},
	{
		path: "zdtest/billing", last: 207, builds: 35, every: 16 * time.Hour, layer: 224 << 10,
		aliases: map[string]int{"latest": 207, "release-1.0": 207},
		also:    "release-1.0 is build 207, the last one",
	},
	{
		path: "zdtest/gateway", last: 466, builds: 40, every: 12 * time.Hour, layer: 128 << 10,
		platforms: []string{"linux/amd64", "linux/arm64"},
		aliases:   map[string]int{"latest": 466},
		also:      "multi-arch, with BuildKit's provenance",
	},
	{
		path: "zdtest/mailer", last: 12, builds: 12, every: 3 * day, layer: 64 << 10,
		ghost: 7,
		also:  "build 7 is a tag without a manifest",
	},
	{
		path: "zdtest/reports", last: 58, builds: 20, every: day, layer: 64 << 10,
		undated: 44,
		also:    "build 44 is reproducible: it says 1970",
	},
	{
		path: "zdtest/search", last: 104, builds: 30, every: day, layer: 512 << 10,
		also: "build 99 sorts after 104 by name",
	},
	web,
	{
		path: "zdtest/worker", last: 87, builds: 60, every: 9 * time.Hour, layer: 192 << 10,
		unchanged: []int{42, 86, 87},
		also:      "builds 85, 86 and 87 made the same image",
	},
}
