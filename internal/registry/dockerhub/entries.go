package dockerhub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
)

// The media types by which the list says what a tag points at: those of indexes, and those of the configs of images.
const (
	typeIndex        = "application/vnd.oci.image.index.v1+json"
	typeList         = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeImage        = "application/vnd.oci.image.manifest.v1+json"
	typeDockerImage  = "application/vnd.docker.distribution.manifest.v2+json"
	configImage      = "application/vnd.oci.image.config.v1+json"
	configDocker     = "application/vnd.docker.container.image.v1+json"
	contentTypeImage = "image"
)

// entries is the repository's list for [distribution.Registry.Listed]: what tags point at, and the platforms of indexes.
// Other manifests without a tag are in no list.
func (r *repository) entries(ctx context.Context) ([]distribution.Entry, error) {
	if strings.Count(r.path, "/") != 1 {
		return nil, registry.Advise(fmt.Errorf("%s is not a repository of Docker Hub", r.path), registry.ErrUnknownRepository, "a repository of Docker Hub is NAMESPACE/NAME")
	}
	tags, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	digests, err := r.digests(ctx, tags)
	if err != nil {
		return nil, err
	}
	byDigest := map[oci.Digest]*distribution.Entry{}
	for i, t := range tags {
		if digests[i] == "" { // deleted since: lists lag behind (https://github.com/docker/hub-feedback/issues/2361)
			continue
		}
		e := t.entry(digests[i])
		if known := byDigest[e.Digest]; known != nil {
			known.Tags = append(known.Tags, e.Tags...)
			if e.Pushed.After(known.Pushed) {
				known.Pushed = e.Pushed
			}
			known.Whole = known.Whole && e.Whole && slices.Equal(known.Children, e.Children)
			continue
		}
		byDigest[e.Digest] = &e
	}
	for i, t := range tags {
		if e := byDigest[digests[i]]; e == nil || !e.Whole {
			continue
		}
		for _, p := range t.parts() {
			if byDigest[p.Digest] == nil {
				byDigest[p.Digest] = &p
			}
		}
	}
	var out []distribution.Entry
	for _, d := range slices.Sorted(maps.Keys(byDigest)) {
		out = append(out, *byDigest[d])
	}
	return out, nil
}

// verifyKey is the key under which a context says that a plan is made of the list.
type verifyKey struct{}

// maxVerified is how many tags of a list are verified, those that were pushed last first: rules keep these. The list can
// still have a tag that was deleted (https://github.com/docker/hub-feedback/issues/2361), and what is there would be
// deleted because something is kept that is not.
const maxVerified = 200

// digests returns what each tag points at. The registry is asked where the list does not say, and where what the list says
// is verified, by a request that is not a pull; "" is a tag that the registry does not have.
func (r *repository) digests(ctx context.Context, tags []listedTag) ([]oci.Digest, error) {
	out := make([]oci.Digest, len(tags))
	var ask, verify []int
	for i, t := range tags {
		out[i] = oci.Digest(t.Digest)
		switch {
		case !oci.ValidTag(t.Name): // it would become part of a URL
			return nil, incomplete(fmt.Errorf("the list of tags has the tag %q, which cannot be", t.Name))
		case t.trusted():
			verify = append(verify, i)
		default:
			ask = append(ask, i)
		}
	}
	if ctx.Value(verifyKey{}) != nil {
		slices.SortStableFunc(verify, func(a, b int) int { return timeOf(tags[b].Pushed).Compare(timeOf(tags[a].Pushed)) })
		ask = append(ask, verify[:min(len(verify), maxVerified)]...)
	}
	err := r.registry.client.Each(ctx, len(ask), func(ctx context.Context, n int) error {
		t := &tags[ask[n]]
		d, err := r.oci.Resolve(ctx, t.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if d != out[ask[n]] { // what else the list says is of another manifest
			t.Digest, t.MediaType = "", ""
		}
		out[ask[n]] = d
		return nil
	})
	return out, err
}

// trusted reports whether the list says what the tag points at. An image has itself as its only platform.
func (t listedTag) trusted() bool {
	if oci.Digest(t.Digest).Validate() != nil {
		return false
	}
	return t.isIndex() || len(t.Images) == 1 && t.Images[0].Digest == t.Digest
}

func (t listedTag) isIndex() bool { return t.MediaType == typeIndex || t.MediaType == typeList }

// whole reports whether the list says everything that can depend on what the tag points at. Of an index that is so when
// each entry is a platform with its digest: what has none may be an index itself. What a tag in the form of an attachment
// points at is read, because the list does not show what such a manifest refers to, and so is anything but an image.
func (t listedTag) whole() bool {
	if _, attached := oci.AttachmentSubject(t.Name); attached && t.isIndex() || !t.trusted() || t.ContentType != contentTypeImage {
		return false
	}
	if !t.isIndex() {
		return t.MediaType == configImage || t.MediaType == configDocker
	}
	return len(t.Images) > 0 && !slices.ContainsFunc(t.Images, func(p listedPart) bool {
		return oci.Digest(p.Digest).Validate() != nil || p.OS == "" || p.Architecture == ""
	})
}

// entry is what the list says of what the tag points at.
func (t listedTag) entry(d oci.Digest) distribution.Entry {
	e := distribution.Entry{Digest: d, Tags: []string{t.Name}, Pushed: timeOf(t.Pushed), Whole: t.whole()}
	switch {
	case t.isIndex():
		e.MediaType = t.MediaType
	case t.MediaType == configImage:
		e.MediaType = typeImage
	case t.MediaType == configDocker:
		e.MediaType = typeDockerImage
	}
	if !t.isIndex() {
		e.Size = max(t.FullSize, 0)
	}
	if e.Whole {
		for _, p := range t.parts() {
			e.Children = append(e.Children, p.Digest)
		}
	}
	return e
}

// parts are the platforms of an index, each once.
func (t listedTag) parts() []distribution.Entry {
	if !t.isIndex() {
		return nil
	}
	var out []distribution.Entry
	for _, p := range t.Images {
		e := distribution.Entry{Digest: oci.Digest(p.Digest), Size: max(p.Size, 0), Pushed: timeOf(p.Pushed), Whole: true}
		if !slices.ContainsFunc(out, func(o distribution.Entry) bool { return o.Digest == e.Digest }) {
			out = append(out, e)
		}
	}
	return out
}

// timeOf reads a time of the API; the zero time stands for what is not one.
func timeOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
