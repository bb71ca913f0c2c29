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

// configDate reads when an image was built from its config. A config that does not say is no error.
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
	t, err := parseConfigDate(reply.Body)
	if err != nil {
		return time.Time{}, incomplete(fmt.Errorf("read config %s: %w", config, err))
	}
	return t, nil
}

// parseConfigDate reads the created field, else the last step of the history, else a label. Only what this build
// itself has written is believed. The earlier steps of a history are the base image's, and so may labels be, which
// are inherited: Jib on a Red Hat base writes 1970 and keeps the base's build-date. Such an image would look as old
// as its base, so a label counts only when it is newer than every step of the history.
func parseConfigDate(body []byte) (time.Time, error) {
	var config struct {
		Created string `json:"created"`
		History []struct {
			Created string `json:"created"`
		} `json:"history"`
		Config struct {
			Labels map[string]string `json:"Labels"`
		} `json:"config"`
	}
	if err := json.Unmarshal(body, &config); err != nil {
		return time.Time{}, fmt.Errorf("the body is not JSON: %w", err)
	}
	if t := parseDate(config.Created); !t.IsZero() {
		return t, nil
	}
	var newest, last time.Time
	for _, h := range config.History {
		if last = parseDate(h.Created); last.After(newest) {
			newest = last
		}
	}
	if !last.IsZero() {
		return last, nil
	}
	for _, label := range []string{annotationMade, "build-date"} {
		if t := parseDate(config.Config.Labels[label]); t.After(newest) {
			return t, nil
		}
	}
	return time.Time{}, nil
}
