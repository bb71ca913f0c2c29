package bare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// The ways to know what is newest.
const (
	ByListing   = ""       // the end of the listing is: no date is needed
	DatesRead   = "read"   // a manifest and a config of each image are read
	DatesCached = "cached" // the dates are in a file, and each tag is asked for its digest
)

// image is a tag with what is known of it.
type image struct {
	tag, digest string
	created     time.Time
}

// safe is the least that regsweep's promises leave: the bare floor with the looks that keep a moved tag, one at each tag
// to know its digest, and one more right before the tag is removed. It decides by the same dates as regsweep. Where the
// registry serves the referrers API, it is asked for each image as well, because what refers to an image goes with it.
func safe(ctx context.Context, t Task) error {
	return t.each(ctx, t.Workers, func(ctx context.Context, l loop) error {
		images, err := l.dated(ctx, t)
		if err != nil {
			return err
		}
		var tags, digests []string
		at := map[string]string{}
		for _, i := range images[:max(0, len(images)-t.Keep)] {
			tags, digests, at[i.tag] = append(tags, i.tag), append(digests, i.digest), i.digest
		}
		look := func(ctx context.Context, tag string) error { return l.look(ctx, tag, at[tag]) }
		switch {
		case t.Referrers:
			if err := l.all(ctx, digests, l.referrers); err != nil {
				return err
			}
			return l.times(ctx, len(tags), func(ctx context.Context, i int) error {
				if err := look(ctx, tags[i]); err != nil {
					return err
				}
				return l.remove(ctx, digests[i])
			})
		case t.DeletesTags:
			err = l.all(ctx, tags, func(ctx context.Context, tag string) error {
				if err := look(ctx, tag); err != nil {
					return err
				}
				return l.remove(ctx, tag)
			})
		default:
			err = l.retag(ctx, tags, look)
		}
		if err != nil {
			return err
		}
		return l.all(ctx, digests, l.remove)
	})
}

// look is an error when a tag points elsewhere than at a digest.
func (l loop) look(ctx context.Context, tag, digest string) error {
	header, _, err := Send(ctx, l.client, Request{Method: http.MethodHead, URL: l.base + "/manifests/" + tag, Accept: ManifestTypes})
	if now := header.Get("Docker-Content-Digest"); err == nil && now != digest {
		return fmt.Errorf("tag %s points at %s, not at %s any more", tag, now, digest)
	}
	return err
}

// referrers asks what refers to a digest. No image of the benchmark has referrers.
func (l loop) referrers(ctx context.Context, digest string) error {
	_, _, err := Send(ctx, l.client, Request{Method: http.MethodGet, URL: l.base + "/referrers/" + digest})
	return err
}

// peer does what tools do that ask for a date in the plainest way: a manifest and a config of each image, and a deletion
// by digest, Workers requests at a time.
func peer(ctx context.Context, t Task) error {
	return t.each(ctx, t.Workers, func(ctx context.Context, l loop) error {
		t.Dates = DatesRead
		images, err := l.dated(ctx, t)
		if err != nil {
			return err
		}
		images = images[:max(0, len(images)-t.Keep)]
		return l.times(ctx, len(images), func(ctx context.Context, i int) error { return l.remove(ctx, images[i].digest) })
	})
}

// remember writes the dates of all images into the task's file, for [DatesCached].
func remember(ctx context.Context, t Task) error {
	dates := map[string]time.Time{}
	t.Dates = DatesRead
	err := t.each(ctx, t.Workers, func(ctx context.Context, l loop) error {
		images, err := l.dated(ctx, t)
		for _, i := range images {
			dates[i.digest] = i.created
		}
		return err
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(dates)
	if err != nil {
		return err
	}
	return os.WriteFile(t.File, text, 0o600)
}

// dated returns the images of a repository, the newest last.
func (l loop) dated(ctx context.Context, t Task) ([]image, error) {
	tags, err := List(ctx, l.client, l.base)
	if err != nil {
		return nil, err
	}
	images := make([]image, len(tags))
	if t.Dates == DatesRead {
		err = l.times(ctx, len(tags), func(ctx context.Context, i int) (err error) {
			images[i], err = l.read(ctx, tags[i])
			return err
		})
	} else {
		var digests []string
		digests, err = l.digests(ctx, tags)
		for i, d := range digests {
			images[i] = image{tag: tags[i], digest: d}
		}
	}
	if err == nil && t.Dates == DatesCached {
		err = recall(t.File, images)
	}
	slices.SortStableFunc(images, func(a, b image) int { return cmp.Compare(a.created.UnixNano(), b.created.UnixNano()) })
	return images, err
}

// recall gives images their dates from a file.
func recall(file string, images []image) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var dates map[string]time.Time
	if err := json.Unmarshal(text, &dates); err != nil {
		return fmt.Errorf("read dates: %w", err)
	}
	for i := range images {
		images[i].created = dates[images[i].digest]
	}
	return nil
}

// read reads the manifest and the config of a tag.
func (l loop) read(ctx context.Context, tag string) (image, error) {
	header, body, err := Send(ctx, l.client, Request{Method: http.MethodGet, URL: l.base + "/manifests/" + tag, Accept: ManifestTypes})
	if err != nil {
		return image{}, err
	}
	var manifest struct{ Config struct{ Digest string } }
	if err := json.Unmarshal(body, &manifest); err != nil {
		return image{}, fmt.Errorf("manifest of %s: %w", tag, err)
	}
	_, body, err = Send(ctx, l.client, Request{Method: http.MethodGet, URL: l.base + "/blobs/" + manifest.Config.Digest})
	if err != nil {
		return image{}, err
	}
	var config struct{ Created time.Time }
	if err := json.Unmarshal(body, &config); err != nil {
		return image{}, fmt.Errorf("config of %s: %w", tag, err)
	}
	return image{tag, header.Get("Docker-Content-Digest"), config.Created}, nil
}
