package distribution

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// referrersAgain is for how long a registry that has not served the referrers API is not asked for it again: it may be
// upgraded.
const referrersAgain = 7 * 24 * time.Hour

// errNoReferrers says that the registry does not serve the referrers API.
var errNoReferrers = errors.New("the registry does not serve the referrers API")

// errReferrersRefused says that this login may not ask for referrers.
var errReferrersRefused = errors.New("the attachments without a tag of what is deleted stay, because the registry does not let this login list them")

// WithReferrers adds what the referrers API lists for some manifests and a snapshot does not have (OCI distribution-spec
// v1.1, "Listing Referrers"). What is listed counts only if its own manifest names the subject. One request asks for each
// manifest, and one reads each referrer that is new. Of a registry that is not known to serve the API the first manifest is
// asked for alone; where it does not serve it, nothing is added, and nothing is asked for a week. CNCF distribution is not
// asked at all. A login that may not ask gets a warning: it has never seen these attachments, and they harm nothing. Any
// other failure is an error, because it may pass: once a subject is deleted, nothing leads to its attachments any more, and
// no later run could find them.
func (r *Repository) WithReferrers(ctx context.Context, s oci.Snapshot, of []oci.Digest) (oci.Snapshot, error) {
	if len(of) == 0 || r.list != nil || r.lacksReferrers() { // a list of its own has everything
		return s, nil
	}
	lists, err := r.referrers(ctx, of)
	switch {
	case errors.Is(err, errNoReferrers):
		r.noteNoReferrers(err)
		return s, nil
	case errors.Is(err, errReferrersRefused):
		s.Warnings = append(slices.Clone(s.Warnings), r.client.Hide(err.Error()))
		return s, nil
	case err == nil:
		s, err = r.attach(ctx, s, lists)
	}
	if err != nil {
		return oci.Snapshot{}, r.client.HideIn(fmt.Errorf("read the referrers: %w", err))
	}
	return s, nil
}

// lacksReferrers reports whether the registry is known not to serve the API. No release of CNCF distribution up to 3.1.2
// does.
func (r *Repository) lacksReferrers() bool {
	if r.isCNCF() || r.noReferrers.Load() {
		return true
	}
	if r.store == nil || r.referrersServed.Load() {
		return false
	}
	in, ok := decode(r.store.Load(r.name))
	since := r.now().Sub(in.NoReferrers)
	return ok && since >= 0 && since < referrersAgain
}

// noteNoReferrers keeps for this run and later ones that the registry does not serve the API. An answer about the manifest
// may be that of a registry that serves it, and from which somebody has deleted the manifest a moment ago: later runs ask
// again.
func (r *Repository) noteNoReferrers(why error) {
	r.noReferrers.Store(true)
	var answer *registry.Error
	if r.store == nil || errors.As(why, &answer) && strings.HasPrefix(answer.Code, "MANIFEST_") {
		return
	}
	if in, ok := decode(r.store.Load(r.name)); ok {
		in.NoReferrers = r.now()
		r.store.Save(r.name, in.encode())
	}
}

// isCNCF reports whether the registry is known to be CNCF distribution: an unknown registry is that one when it sends its
// header and the digest of a manifest as the ETag.
func (r *Repository) isCNCF() bool { return r.unknown && r.etags.Load() }

// noteHeader takes over what the header of a manifest tells of the registry.
func (r *Repository) noteHeader(h http.Header, d oci.Digest) {
	if strings.TrimPrefix(h.Get("Etag"), "W/") == `"`+d.String()+`"` && h.Get("Docker-Distribution-Api-Version") != "" {
		r.etags.Store(true)
	}
}

// referrers asks for the referrers of each digest and returns them by digest.
func (r *Repository) referrers(ctx context.Context, of []oci.Digest) (map[oci.Digest][]oci.Digest, error) {
	lists := make([][]oci.Digest, len(of))
	ask := func(ctx context.Context, i int) (err error) {
		lists[i], err = r.referrersOf(ctx, of[i])
		return err
	}
	alone := 0
	if !r.referrersServed.Load() {
		if err := ask(ctx, 0); err != nil {
			return nil, err
		}
		alone = 1
		r.referrersServed.Store(true)
	}
	if err := r.client.Each(ctx, len(of)-alone, func(ctx context.Context, i int) error { return ask(ctx, alone+i) }); err != nil {
		return nil, err
	}
	out := map[oci.Digest][]oci.Digest{}
	for i, d := range of {
		out[d] = lists[i]
	}
	return out, nil
}

// referrersOf asks for the referrers of one digest. A registry that serves the API need not have the digest any more: Quay
// answers 400 MANIFEST_INVALID then (https://github.com/quay/quay, endpoints/v2/referrers.py).
func (r *Repository) referrersOf(ctx context.Context, d oci.Digest) ([]oci.Digest, error) {
	pages := 0
	names, err := r.client.List(ctx, wire.Call{
		URL: "/v2/" + r.name.Path + "/referrers/" + d.String(), Accept: []string{typeIndex}, Scopes: r.scopes(),
	}, func(body []byte) ([]string, error) {
		page, err := readReferrers(body)
		if err == nil {
			pages++
		}
		return page, err
	})
	served := r.referrersServed.Load() || pages > 0
	var answer *registry.Error
	switch {
	case errors.As(err, &answer) && lacksAPI(answer.Status) && !served:
		return nil, fmt.Errorf("%w: %w", errNoReferrers, err)
	case errors.As(err, &answer) && lacksAPI(answer.Status) && !answer.Foreign && pages == 0:
		return nil, nil
	case errors.As(err, &answer) && answer.Status == http.StatusForbidden && !served:
		return nil, fmt.Errorf("%w: %w", errReferrersRefused, err)
	case errors.Is(err, errNoReferrers) && served:
		return nil, incomplete(fmt.Errorf("%s: the answer is not an image index", d))
	case err != nil:
		return nil, err
	}
	if len(names) > maxParts {
		return nil, incomplete(fmt.Errorf("%s: more than %d manifests refer to it", d, maxParts))
	}
	out := make([]oci.Digest, len(names))
	for i, n := range names {
		if out[i] = oci.Digest(n); out[i].Validate() != nil { // it would become part of a URL
			return nil, incomplete(fmt.Errorf("%s: its referrers have the digest %.100q, which is not one", d, n))
		}
	}
	return out, nil
}

// readReferrers reads a page of referrers. A page that is not an index is [errNoReferrers].
func readReferrers(body []byte) ([]string, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || !bytes.Contains(body, []byte(`"manifests"`)) {
		return nil, errNoReferrers
	}
	var doc document
	if err := decodeStrict(body, &doc, documentShape); err != nil {
		return nil, err
	}
	out := make([]string, len(doc.Manifests))
	for i, m := range doc.Manifests {
		out[i] = m.Digest.String()
	}
	return out, nil
}

// attach reads the referrers that a snapshot does not have, and what they list, and adds those that name the subject for
// which they were listed.
func (r *Repository) attach(ctx context.Context, s oci.Snapshot, lists map[oci.Digest][]oci.Digest) (oci.Snapshot, error) {
	g := newGathering(r)
	g.know(s)
	known := map[oci.Digest]bool{}
	for _, i := range s.Images {
		known[i.Digest] = true
	}
	var listed []oci.Digest
	for _, list := range lists {
		listed = append(listed, list...)
	}
	slices.Sort(listed)
	listed = slices.DeleteFunc(slices.Compact(listed), func(d oci.Digest) bool { return known[d] })
	if len(listed) == 0 {
		return s, nil
	}
	if err := g.readDigests(ctx, steps(listed)); err != nil {
		return s, err
	}
	added := map[oci.Digest]bool{}
	queue := slices.DeleteFunc(listed, func(d oci.Digest) bool { return !slices.Contains(lists[g.manifests[d].subject], d) })
	for ; len(queue) > 0; queue = queue[1:] {
		m, there := g.manifests[queue[0]]
		if !there || known[m.digest] || added[m.digest] {
			continue
		}
		added[m.digest] = true
		for _, c := range m.children {
			queue = append(queue, c.digest)
		}
	}
	out := s
	out.Images = slices.Clone(s.Images)
	for _, i := range g.snapshot().Images {
		if added[i.Digest] {
			out.Images = append(out.Images, i)
		}
	}
	slices.SortFunc(out.Images, func(a, b oci.Image) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return out, nil
}
