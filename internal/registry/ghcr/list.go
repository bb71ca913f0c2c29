package ghcr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	// maxPasses is how often a list is read that changes while it is read.
	maxPasses = 5
	// maxPages bounds a list: half a million versions.
	maxPages = 5000
)

// entries is the package's list for [distribution.Registry.Listed]. The last tagged version is known as such before
// anything is planned: GitHub refuses to delete it, and untagged versions do not count
// (https://github.com/kairos-io/kairos/pull/4724).
func (p *pkg) entries(ctx context.Context) ([]distribution.Entry, error) {
	all, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	tagged := 0
	for _, v := range all {
		if len(v.tags) > 0 {
			tagged++
		}
	}
	out := make([]distribution.Entry, 0, len(all))
	ids := map[oci.Digest]int64{}
	for _, v := range all {
		ids[v.digest] = v.id
		e := distribution.Entry{Digest: v.digest, Tags: v.tags, Pushed: v.created}
		switch {
		case len(all) == 1:
			e.Retained = "it is the last version of its package"
		case tagged == 1 && len(v.tags) > 0:
			e.Retained = "it is the last tagged version of its package"
		}
		out = append(out, e)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids, p.pages = ids, 1+len(all)/perPage
	return out, nil
}

// list reads all versions: a list that is proved to be whole, or an error.
//
// Pages are offsets into a list that has the newest version first. A push meanwhile moves every version down, and a
// deletion moves those after it up, so that versions change pages: some are seen twice, and some are never seen. So the
// first page is read, then the others from the last one to the second, and then the first one again. A deletion then
// moves versions towards pages that are still to be read: the version at the border is seen twice, never missed. A push
// moves them towards pages that were read, but it shows at the top of the first page, which is not the same any more.
// Where either has happened, or where the list does not have the order that this rests on, it is read again: until a
// pass is proved, or two passes in a row have seen the same. A list of n full pages needs no second look at the first
// one, see counted.
func (p *pkg) list(ctx context.Context) ([]version, error) {
	var before []version
	for range maxPasses {
		got, proved, err := p.pass(ctx)
		switch {
		case err != nil:
			return nil, err
		case proved && !twice(got), !twice(got) && before != nil && slices.EqualFunc(before, got, same):
			return got, nil
		}
		before = got
	}
	return nil, incomplete(fmt.Errorf("the list of the versions of %s/%s changes while it is read, %d times in a row; run again", p.owner, p.name, maxPasses))
}

// pass reads the list once and reports whether it is proved to be whole, but for versions that it has twice.
func (p *pkg) pass(ctx context.Context) (all []version, proved bool, err error) {
	first, err := p.first(ctx)
	if err != nil {
		return nil, false, err
	}
	last, err := lastOf(first)
	switch {
	case err != nil:
		return nil, false, err
	case first.next == "" && len(first.versions) < perPage:
		return first.versions, true, nil
	case last == nil:
		all, err = p.forward(ctx, first)
		return all, false, err
	}
	return p.backward(ctx, first, last)
}

// backward reads the pages from the last one to the first.
func (p *pkg) backward(ctx context.Context, first page, last *url.URL) (all []version, proved bool, err error) {
	n, err := strconv.Atoi(last.Query().Get("page"))
	if err != nil || n < 2 || n > maxPages {
		return nil, false, incomplete(fmt.Errorf("the list of versions says that its last page is %q", last.Query().Get("page")))
	}
	proved = true
	pages := make([][]version, n+1)
	for k := n; k >= 1; k-- {
		if k == 1 && proved {
			pages[1] = first.versions
			if all = slices.Concat(pages...); counted(all, n) {
				return all, true, nil
			}
		}
		q := last.Query()
		q.Set("page", strconv.Itoa(k))
		got, err := p.page(ctx, last.EscapedPath()+"?"+q.Encode())
		if err != nil {
			return nil, false, err
		}
		proved = proved && (k < n && len(got.versions) == perPage || k == n && got.next == "")
		pages[k] = got.versions
	}
	proved = proved && slices.EqualFunc(first.versions, pages[1], func(a, b version) bool { return a.id == b.id })
	all = slices.Concat(pages...)
	return all, proved && newestFirst(all), nil
}

// counted reports whether n pages are the whole list by their number alone, if no version is on two of them. When the
// first page was read, it said that it was one of n, so that the list had 100·n versions at most. That many different
// versions are all of them, unless one was pushed after that: it is as new as the newest of the first page, and stands
// after the oldest of that page only if the whole page is of one second.
//
// Where the last page is not full, n requests prove nothing. Of 250 versions, a deletion on the first page after that was
// read, and a push after the third page was read, leave 249 different versions of three pages that fit together, and the
// 201st is on none of them. The first page, read again, shows the push.
func counted(all []version, n int) bool {
	return len(all) == n*perPage && newestFirst(all) && all[0].created.After(all[perPage-1].created)
}

// newestFirst reports whether a list has the order that the proofs of it rest on.
func newestFirst(all []version) bool {
	return slices.IsSortedFunc(all, func(a, b version) int { return b.created.Compare(a.created) })
}

// forward follows the links from page to page, where the first one does not say which is the last. It also asks for a
// page after a full one without a link: something in between may have taken the link away.
func (p *pkg) forward(ctx context.Context, at page) ([]version, error) {
	all := slices.Clone(at.versions)
	for k := 2; k <= maxPages; k++ {
		next := at.next
		if next == "" {
			if len(at.versions) < perPage {
				return all, nil
			}
			next = fmt.Sprintf("%s?per_page=%d&page=%d&state=active", p.versions(), perPage, k)
		}
		var err error
		if at, err = p.page(ctx, next); err != nil {
			return nil, err
		}
		all = append(all, at.versions...)
	}
	return nil, incomplete(errors.New("the list of versions has no end"))
}

// lastOf returns the address of the last page as the first one names it, nil when it does not.
func lastOf(first page) (*url.URL, error) {
	at, err := wire.Last(first.reply)
	if err != nil {
		return nil, incomplete(fmt.Errorf("GET %s: %w", wire.Redact(first.reply.URL), err))
	}
	if at == "" {
		return nil, nil
	}
	return url.Parse(at)
}

// twice reports whether a version is in a list twice.
func twice(all []version) bool {
	seen := map[int64]bool{}
	for _, v := range all {
		if seen[v.id] {
			return true
		}
		seen[v.id] = true
	}
	return false
}

// same reports whether two passes have seen the same of a version.
func same(a, b version) bool { return a.id == b.id && slices.Equal(a.tags, b.tags) }
