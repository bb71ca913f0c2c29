package harbor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// artifact is one in the list (https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml, "Artifact").
type artifact struct {
	Digest     oci.Digest `json:"digest"`
	MediaType  string     `json:"manifest_media_type"`
	Size       int64      `json:"size"`
	PushTime   time.Time  `json:"push_time"`
	References []struct {
		Child oci.Digest `json:"child_digest"`
	} `json:"references"`
	Tags []struct {
		Name      string    `json:"name"`
		PushTime  time.Time `json:"push_time"`
		Immutable bool      `json:"immutable"`
	} `json:"tags"`
	Accessories []struct {
		Digest oci.Digest `json:"digest"`
	} `json:"accessories"`
}

const (
	pageSize   = 100 // the most that Harbor allows
	maxPage    = 64 << 20
	maxListed  = 500_000
	maxAnother = 3 // readings of a list that changes meanwhile
)

// errChanged is returned when the list changed while it was read.
var errChanged = errors.New("it changed while it was read")

// list reads Harbor's list until it was read without a change.
func (r *repository) list(ctx context.Context) ([]distribution.Entry, error) {
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		all, err := r.readPages(ctx, base)
		switch {
		case errors.Is(err, errChanged) && try < maxAnother:
		case errors.Is(err, errChanged):
			return nil, registry.Mark(fmt.Errorf("list the artifacts of %s: %w, %d times in a row: run again", r.path, err, try), registry.ErrIncomplete)
		case err != nil:
			return nil, err
		default:
			return entriesOf(all), nil
		}
	}
}

// base is the path of the list. The slashes of the name below the project are encoded twice.
func (r *repository) base() (string, error) {
	project, name, ok := strings.Cut(r.path, "/")
	if !ok {
		return "", fmt.Errorf("%w: in Harbor a repository is named PROJECT/NAME", registry.ErrUnknownRepository)
	}
	return "/api/v2.0/projects/" + url.PathEscape(project) + "/repositories/" + url.PathEscape(url.PathEscape(name)) +
		"/artifacts?page_size=" + strconv.Itoa(pageSize) + "&q=base%3D*&with_tag=true&with_accessory=true&with_immutable_status=true&sort=-push_time&page=", nil
}

// readPages reads the list once, the newest first: what is pushed meanwhile then moves what was not read yet to where it is
// read, perhaps twice. Without base=* Harbor would leave out the children of indexes. That the total stays the same and all
// are there proves that nothing was left out.
func (r *repository) readPages(ctx context.Context, base string) ([]artifact, error) {
	var all []artifact
	seen := map[oci.Digest]bool{}
	total := -1
	for page := 1; ; page++ {
		reply, err := r.registry.api.Do(ctx, wire.Call{Method: http.MethodGet, URL: base + strconv.Itoa(page), Limit: maxPage})
		if err != nil {
			return nil, refused(err)
		}
		items, count, err := parsePage(reply)
		switch {
		case err != nil:
			return nil, registry.Mark(fmt.Errorf("GET %s: the answer is not Harbor's list: %w", wire.Redact(reply.URL), err), registry.ErrIncomplete)
		case count > maxListed:
			return nil, registry.Mark(fmt.Errorf("list the artifacts of %s: there are more than %d", r.path, maxListed), registry.ErrIncomplete)
		case total >= 0 && count != total:
			return nil, fmt.Errorf("%w: first there are %d artifacts, then %d", errChanged, total, count)
		}
		total = count
		for _, a := range items {
			if !seen[a.Digest] {
				seen[a.Digest] = true
				all = append(all, a)
			}
		}
		if len(all) == total {
			return all, nil
		}
		if page*pageSize >= total || len(items) == 0 {
			return nil, fmt.Errorf("%w: there are %d artifacts, and %d are listed", errChanged, total, len(all))
		}
	}
}

// parsePage reads a page and how many artifacts there are in all.
func parsePage(reply wire.Reply) (items []artifact, total int, err error) {
	if err := json.Unmarshal(reply.Body, &items); err != nil {
		return nil, 0, err
	}
	if items == nil {
		return nil, 0, errors.New("it is null")
	}
	total, err = strconv.Atoi(reply.Header.Get("X-Total-Count"))
	if err != nil || total < 0 {
		return nil, 0, fmt.Errorf("its X-Total-Count is %q", reply.Header.Get("X-Total-Count"))
	}
	return items, total, nil
}

// refused says what it means if the answer is not a list. A login that may pull and delete is not always allowed to list,
// and a proxy may block the API.
func refused(err error) error {
	var answer *registry.Error
	switch {
	case !errors.As(err, &answer):
		return err
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden,
		answer.Status == http.StatusNotFound && answer.Code == "":
		return fmt.Errorf("%w: %w", errNoList, err)
	case errors.Is(err, registry.ErrNotFound):
		return fmt.Errorf("%w: %w", registry.ErrUnknownRepository, err)
	}
	return err
}

// entriesOf turns artifacts into entries. The subject of an accessory stands with the subject. An artifact that is
// nobody's accessory may have a subject all the same that is not there: only the manifest tells, unless it is of a type
// that has none.
func entriesOf(all []artifact) []distribution.Entry {
	subjects := map[oci.Digest]oci.Digest{}
	for _, a := range all {
		for _, accessory := range a.Accessories {
			subjects[accessory.Digest] = a.Digest
		}
	}
	var out []distribution.Entry
	for _, a := range all {
		e := distribution.Entry{Digest: a.Digest, MediaType: a.MediaType, Size: a.Size, Pushed: a.PushTime, Subject: subjects[a.Digest]}
		e.Whole = strings.HasPrefix(a.MediaType, "application/vnd.docker.distribution.manifest.")
		for _, c := range a.References {
			e.Children = append(e.Children, c.Child)
		}
		for _, t := range a.Tags {
			e.Tags = append(e.Tags, t.Name)
			if t.PushTime.After(e.Pushed) { // an image is as young as its youngest tag
				e.Pushed = t.PushTime
			}
			if t.Immutable {
				e.Retained = fmt.Sprintf("its tag %s is immutable in Harbor", t.Name)
			}
		}
		out = append(out, e)
	}
	return out
}
