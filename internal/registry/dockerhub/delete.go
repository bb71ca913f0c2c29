package dockerhub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// maxTries is how often a manifest is asked to be deleted that is still there after an error of the service: such a
// deletion goes on by itself ("Delete image manifest" in the documents), and asking again does not help it.
const maxTries = 3

// What a look right before a request can find.
var (
	errDone  = errors.New("it is done")
	errMoved = errors.New("the tag points elsewhere")
	errStill = errors.New("it is still there")
)

// Delete deletes manifests with all their tags and returns one result for each. Docker Hub deletes what no tag, no index
// and no attachment leads to, so the tags come first.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, len(level))
	var group sync.WaitGroup
	for i := range level {
		group.Go(func() { out[i] = r.delete(ctx, level[i]) })
	}
	group.Wait()
	return out
}

func (r *repository) delete(ctx context.Context, i oci.Image) (out registry.Result) {
	if err := i.Digest.Validate(); err != nil { // a tag in this place might be deleted
		return registry.Result{Err: fmt.Errorf("delete %q: %w", i.Digest, err)}
	}
	for _, t := range i.Tags {
		if len(out.Removed) > 0 { // what has begun is finished: without its tags nobody finds the manifest
			drain, done := registry.Drain(ctx)
			defer done()
			ctx = registry.WithDrain(drain, drain)
		}
		removed, err := r.removeTag(ctx, t, i.Digest)
		if err != nil {
			out.Err = fmt.Errorf("remove the tag %s: %w", t, err)
			return out
		}
		if removed {
			out.Removed = append(out.Removed, t)
		}
	}
	if len(out.Removed) > 0 {
		drain, done := registry.Drain(ctx)
		defer done()
		ctx = registry.WithDrain(drain, drain)
	}
	there, err := r.deleteManifest(ctx, i.Digest, len(out.Removed) > 0)
	if err != nil {
		out.Err = err
		return out
	}
	return registry.Result{Existed: there || len(out.Removed) > 0}
}

// removeTag removes a tag that points at d and reports whether it was there. It looks right before each try.
func (r *repository) removeTag(ctx context.Context, tag string, d oci.Digest) (bool, error) {
	if !oci.ValidTag(tag) { // anything else could leave the path
		return false, errors.New("it is not a tag")
	}
	if r.registry.viaRegistry.Load() {
		return r.oci.DeleteTag(ctx, tag, d)
	}
	if token, err := r.registry.api.logIn(ctx, ""); err != nil {
		return false, err
	} else if token == "" {
		return false, registry.Advise(errors.New("no login is known for Docker Hub"), registry.ErrUnauthorized, hintLogin)
	}
	namespace, name, _ := strings.Cut(r.path, "/")
	_, err := r.registry.api.call(ctx, wire.Call{
		Method: http.MethodDelete, Limit: wire.MaxErrorBody,
		// without the slash at the end the answer is a redirect
		URL: fmt.Sprintf("/v2/repositories/%s/%s/tags/%s/", url.PathEscape(namespace), url.PathEscape(name), url.PathEscape(tag)),
		Look: func(ctx context.Context, perhaps bool) error {
			now, err := r.oci.Resolve(ctx, tag)
			switch {
			case err != nil:
				return err
			case now == d:
				return nil
			case perhaps && now == "":
				return errDone
			}
			return errMoved
		},
	})
	switch {
	case err == nil, errors.Is(err, errDone):
		return true, nil
	case errors.Is(err, errMoved):
		return false, nil
	case errors.Is(err, registry.ErrNotSent), errors.Is(err, registry.ErrLimited), errors.Is(err, registry.ErrUnauthorized):
		return false, explain("ask Docker Hub", err)
	}
	return r.otherWay(ctx, tag, d, err)
}

// otherWay goes on after an answer that is not a success. Docker Hub is not clear on which access tokens may remove a tag
// by the API, and by the registry: what one refuses, the other may do. A 500 can stand for a refusal
// (https://github.com/docker/hub-feedback/issues/2398).
func (r *repository) otherWay(ctx context.Context, tag string, d oci.Digest, refused error) (bool, error) {
	var answer *registry.Error
	open := true // whether Docker Hub has done it
	if errors.As(refused, &answer) {
		if isImmutable(answer) {
			return false, explain("ask Docker Hub", refused)
		}
		open = answer.Status >= http.StatusInternalServerError || answer.Status == http.StatusNotFound
	}
	if open {
		now, err := r.lookAt(ctx, tag)
		switch {
		case err != nil:
			return false, registry.Mark(refused, registry.ErrUnsettled)
		case now != d:
			return true, nil
		case answer == nil: // something may be on its way still
			return false, refused
		}
	}
	removed, err := r.oci.DeleteTag(ctx, tag, d)
	var second *registry.Error
	switch {
	case err == nil && removed:
		r.registry.viaRegistry.Store(true)
		return true, nil
	case err == nil:
		return false, nil
	case !errors.As(err, &second) || errors.Is(err, registry.ErrUnsettled) || second.Status == http.StatusTooManyRequests:
		return false, err
	case isImmutable(second):
		return false, explain("ask the registry", err)
	case open:
		return false, registry.Advise(fmt.Errorf("ask Docker Hub: %w", answer), nil, hintDelete) // a look has shown that it has not
	}
	return false, explain("ask Docker Hub", refused)
}

// lookAt returns what a tag points at, also when the run is being cancelled.
func (r *repository) lookAt(ctx context.Context, tag string) (oci.Digest, error) {
	drain, done := registry.Drain(ctx)
	defer done()
	return r.oci.Resolve(drain, tag)
}

// deleteManifest deletes a manifest that has no tags any more. untagged says that this login has just removed one of them.
func (r *repository) deleteManifest(ctx context.Context, d oci.Digest, untagged bool) (existed bool, err error) {
	tries := 0
	_, err = r.registry.client.Do(ctx, wire.Call{
		Method: http.MethodDelete, URL: "/v2/" + r.path + "/manifests/" + d.String(),
		Scopes: []string{"repository:" + r.path + ":pull,delete"}, Limit: wire.MaxErrorBody,
		Look: func(ctx context.Context, perhaps bool) error {
			tries++
			if !perhaps {
				return nil
			}
			now, err := r.oci.Resolve(ctx, d.String())
			switch {
			case err != nil:
				return err
			case now == "":
				return errDone
			case tries > maxTries:
				return errStill
			}
			return nil
		},
	})
	var answer *registry.Error
	switch {
	case err == nil, errors.Is(err, errDone):
		r.registry.deletes.Store(true)
		return true, nil
	case errors.Is(err, registry.ErrUnsettled):
		return false, fmt.Errorf("delete the manifest: Docker Hub has answered with an error, and may go on by itself: %w", err)
	case errors.Is(err, registry.ErrNotFound):
		return false, nil
	case errors.As(err, &answer) && answer.Status == http.StatusForbidden && !answer.Foreign && (untagged || r.mayDelete(ctx, answer)):
		return false, registry.Advise(fmt.Errorf("delete the manifest: %w", err), registry.ErrInUse, "")
	}
	return false, explain("delete the manifest", err)
}

// mayDelete reports whether a refusal with 403 is about the manifest, and not about the login: the documents have one
// status for both. A login without the right has no token that grants the deletion.
func (r *repository) mayDelete(ctx context.Context, answer *registry.Error) bool {
	if r.registry.deletes.Load() || strings.Contains(strings.ToLower(answer.Message), "referenced") {
		return true
	}
	access, err := r.oci.Access(ctx)
	return err == nil && access.Known && slices.Contains(access.Actions, "delete")
}
