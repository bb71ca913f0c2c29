package dockerhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	perPage = 100
	// maxPasses is how often a list is read that changes while it is read.
	maxPasses = 5
	// maxPages bounds a list: half a million tags.
	maxPages = 5000
	// maxPage bounds the answer: each tag lists its platforms with half a kilobyte.
	maxPage = 32 << 20
)

// listedTag is a tag in the list. The documents name neither the digest nor the media type, and old tags have none.
type listedTag struct {
	Name        string       `json:"name"`
	Digest      string       `json:"digest"`
	MediaType   string       `json:"media_type"`
	ContentType string       `json:"content_type"`
	Images      []listedPart `json:"images"`
	FullSize    int64        `json:"full_size"`
	Pushed      string       `json:"tag_last_pushed"`
	Updated     string       `json:"last_updated"`
}

// listedPart is a platform of a tag.
type listedPart struct {
	Digest       string `json:"digest"`
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Size         int64  `json:"size"`
	Pushed       string `json:"last_pushed"`
}

// page is one answer.
type page struct {
	tags  []listedTag
	count int
	next  string // path and query, "" at the end
}

// list reads all tags: a list that is proved to be whole, or an error.
//
// Pages are offsets into a list that has the tag that was pushed last first. A push meanwhile moves tags down, and a
// deletion moves them up, so that some are seen twice and some never. A list is whole when it has as many tags as every
// page says that there are, each once, in the order of their pushes, and when its first page is the same afterwards: what
// was pushed meanwhile would be there. Where that is not so the list is read again, until two passes in a row have seen
// the same.
func (r *repository) list(ctx context.Context) ([]listedTag, error) {
	var before []listedTag
	for range maxPasses {
		got, proved, err := r.pass(ctx)
		switch {
		case err != nil:
			return nil, err
		case got == nil:
			before = nil
			continue
		case proved, before != nil && slices.EqualFunc(before, got, same):
			return got, nil
		}
		before = got
	}
	return nil, incomplete(fmt.Errorf("the list of the tags of %s changes while it is read, %d times in a row; run again", r.path, maxPasses))
}

// pass reads the list once; nil is a list that cannot be whole. proved says that it is.
func (r *repository) pass(ctx context.Context) (all []listedTag, proved bool, err error) {
	namespace, name, _ := strings.Cut(r.path, "/")
	start := fmt.Sprintf("/v2/namespaces/%s/repositories/%s/tags?page_size=%d&page=1", url.PathEscape(namespace), url.PathEscape(name), perPage)
	first, err := r.page(ctx, start)
	if err != nil {
		return nil, false, err
	}
	whole, at := true, first
	all = append([]listedTag{}, first.tags...)
	for n := 1; at.next != ""; n++ {
		if n >= maxPages {
			return nil, false, incomplete(errors.New("the list of tags has no end"))
		}
		if at, err = r.page(ctx, at.next); err != nil {
			return nil, false, err
		}
		all = append(all, at.tags...)
		whole = whole && at.count == first.count
	}
	if len(all) > len(first.tags) {
		again, err := r.page(ctx, start)
		if err != nil {
			return nil, false, err
		}
		proved = slices.EqualFunc(first.tags, again.tags, same) && again.count == first.count
	} else {
		proved = true
	}
	names := map[string]bool{}
	for _, t := range all {
		names[t.Name] = true
	}
	if !whole || len(names) != len(all) || len(all) != first.count {
		return nil, false, nil
	}
	sorted := slices.IsSortedFunc(all, func(a, b listedTag) int { return timeOf(b.Updated).Compare(timeOf(a.Updated)) })
	return all, proved && (sorted || len(all) == len(first.tags)), nil
}

// same reports whether two readings have seen the same of a tag.
func same(a, b listedTag) bool {
	return a.Name == b.Name && a.Digest == b.Digest && a.Pushed == b.Pushed && a.Updated == b.Updated
}

// page reads one page.
func (r *repository) page(ctx context.Context, at string) (page, error) {
	reply, err := r.registry.api.call(ctx, wire.Call{Method: http.MethodGet, URL: at, Limit: maxPage})
	switch {
	case errors.Is(err, registry.ErrNotFound) && strings.HasSuffix(at, "&page=1"):
		return page{}, registry.Advise(fmt.Errorf("list the tags of %s: %w", r.path, err), registry.ErrUnknownRepository, hintUnknown)
	case errors.Is(err, registry.ErrNotFound): // it had a next page a moment ago
		return page{}, incomplete(fmt.Errorf("the list of the tags of %s changed while it was read; run again: %w", r.path, err))
	case err != nil:
		return page{}, explain("list the tags", err)
	}
	fail := func(err error) (page, error) {
		return page{}, incomplete(fmt.Errorf("GET %s: the answer is not a list of tags: %w", wire.Redact(reply.URL), err))
	}
	var parsed struct {
		Count   *int         `json:"count"`
		Next    *string      `json:"next"`
		Results *[]listedTag `json:"results"`
	}
	if err := json.Unmarshal(reply.Body, &parsed); err != nil {
		return fail(err)
	}
	if parsed.Count == nil || parsed.Results == nil || *parsed.Count < 0 {
		return fail(errors.New("it has no count or no results"))
	}
	out := page{tags: *parsed.Results, count: *parsed.Count}
	if parsed.Next != nil && *parsed.Next != "" {
		if out.next, err = nextOf(reply.URL, *parsed.Next); err != nil {
			return fail(err)
		}
		if len(out.tags) == 0 {
			return fail(errors.New("it is empty and has a next page"))
		}
	}
	return out, nil
}

// nextOf returns the path and query of the next page. Another host would be given the token, and another path is the list
// of another repository.
func nextOf(at *url.URL, next string) (string, error) {
	u, err := at.Parse(next)
	switch {
	case err != nil:
		return "", fmt.Errorf("the address of its next page is %q", next)
	case !strings.EqualFold(u.Host, at.Host):
		return "", fmt.Errorf("its next page is on another host, %s", u.Host)
	case strings.TrimSuffix(u.EscapedPath(), "/") != strings.TrimSuffix(at.EscapedPath(), "/"):
		return "", fmt.Errorf("its next page is of another list, %s", u.Path)
	case u.RequestURI() == at.RequestURI():
		return "", errors.New("its next page is itself")
	}
	return u.RequestURI(), nil
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }
