package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// maxConfig bounds an image's config: history and labels, a few kilobytes as a rule.
const maxConfig = 8 << 20

// firstImage is before any container image was built: docker became public in March 2013, and gcr-cleaner draws its
// line on the same day (https://github.com/GoogleCloudPlatform/gcr-cleaner, dockerExistence). Earlier dates are
// stand-ins for "unknown": year 1 of an empty Go time, 1970 of SOURCE_DATE_EPOCH=0, Jib and Bazel, 1980 of buildpacks.
var firstImage = time.Date(2013, 3, 20, 0, 0, 0, 0, time.UTC)

// parseDate reads an RFC 3339 date; anything else, and a stand-in for "unknown", is the zero time.
func parseDate(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Before(firstImage) {
		return time.Time{}
	}
	return t.UTC()
}

var errNoBlob = errors.New("no such blob")

// configDate reads when an image was built from its config. A config that does not say, in whatever way, is no error.
func (r *Repository) configDate(ctx context.Context, config oci.Digest) (time.Time, error) {
	reply, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + r.name.Path + "/blobs/" + config.String(),
		Scopes: r.scopes(), Limit: maxConfig,
	})
	if err != nil {
		return time.Time{}, notFound(err, errNoBlob)
	}
	if _, err := proven(reply.Body, config); err != nil {
		return time.Time{}, incomplete(fmt.Errorf("read config %s: %w", config, err))
	}
	return parseConfigDate(reply.Body), nil
}

// imageConfig is what a config says of dates (OCI image-spec v1.1, config.md).
type imageConfig struct {
	Created string `json:"created"`
	History []struct {
		Created string `json:"created"`
	} `json:"history"`
	Config struct {
		Labels map[string]string `json:"Labels"`
	} `json:"config"`
}

// configShape has the names of a config that two clients must read in the same way for it to have a date.
var configShape = &shape{names: [][]byte{[]byte("created"), []byte("history")}, fields: []*shape{nil, nil}}

// parseConfigDate reads the created field, else the last step of the history, else a label. Only what this build
// itself has written is believed. The earlier steps of a history are the base image's, and so may labels be, which
// are inherited: Jib on a Red Hat base writes 1970 and keeps the base's build-date. Such an image would look as old
// as its base, so a label counts only when it is newer than every step of the history. A field of another type is not
// there, and what is not an object or can be read in two ways has no date.
func parseConfigDate(body []byte) time.Time {
	var config imageConfig
	var other *json.UnmarshalTypeError // the other fields are read all the same
	if err := json.Unmarshal(body, &config); err != nil && !errors.As(err, &other) || unambiguous(body, configShape) != nil {
		return time.Time{}
	}
	if t := parseDate(config.Created); !t.IsZero() {
		return t
	}
	var newest, last time.Time
	for _, h := range config.History {
		if last = parseDate(h.Created); last.After(newest) {
			newest = last
		}
	}
	if !last.IsZero() {
		return last
	}
	for _, label := range []string{annotationMade, "build-date"} {
		if t := parseDate(config.Config.Labels[label]); t.After(newest) {
			return t
		}
	}
	return time.Time{}
}

// dating is what a manifest says of dates.
type dating struct {
	at   time.Time // zero when there is no usable date
	says bool      // as a part of an index, it says something of the age of that
}

// date returns when an image was built: what its manifest or config says, for an index the newest of its platforms. Only
// platforms count, and those that are there: an artifact is made whenever somebody makes it, and a platform that was never
// copied says nothing. An index of which a platform is undated has no usable date, because that one may be the newest.
// Each digest is dated once: indexes that list the same indexes again and again would take time without end.
func (g *gathering) date(d oci.Digest) dating {
	if known, ok := g.dated[d]; ok {
		return known
	}
	m := g.manifests[d]
	out := dating{at: m.created, says: m.platform}
	switch {
	case m.isIndex():
		newest := g.newestPlatform(m)
		out.says = m.platform && (newest.says || !m.created.IsZero())
		if m.created.IsZero() {
			out.at = newest.at
		}
	case m.created.IsZero():
		out.at = g.dates[m.config.Digest]
	}
	if g.undated {
		out.at = time.Time{}
	}
	g.dated[d] = out
	return out
}

func (g *gathering) newestPlatform(m manifest) dating {
	var out dating
	undated := false
	for _, c := range m.children {
		if _, there := g.manifests[c.digest]; !there || c.artifact || c.blob {
			continue
		}
		part := g.date(c.digest)
		if !part.says {
			continue
		}
		out.says, undated = true, undated || part.at.IsZero()
		if part.at.After(out.at) {
			out.at = part.at
		}
	}
	if undated {
		out.at = time.Time{}
	}
	return out
}
