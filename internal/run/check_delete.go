package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
)

// deletes says whether this login may delete.
func (r *repositoryCheck) deletes(ctx context.Context) report.CheckLine {
	if r.Probe {
		return r.probe(ctx)
	}
	granted := slices.Contains(r.access.Actions, "delete") || slices.Contains(r.access.Actions, "*")
	switch {
	case !r.access.Known:
		l := line(report.TopicDelete, report.CheckUnknown, "not known without asking the registry to delete something")
		l.Advice = "--probe asks the registry to delete something that does not exist"
		return l
	case granted:
		l := line(report.TopicDelete, report.CheckOK, "the registry's token grants delete")
		l.Advice = "--probe also shows whether deletion is enabled there"
		return l
	}
	only := "nothing"
	if len(r.access.Actions) > 0 {
		only = "only " + strings.Join(r.access.Actions, ", ")
	}
	kind := registry.ErrForbidden
	if r.access.Source == "" {
		kind = registry.ErrUnauthorized
	}
	return problem(report.TopicDelete, registry.Mark(fmt.Errorf("the registry's token does not grant delete: it grants %s", only), kind))
}

// probe asks the registry for a deletion that destroys nothing, in the way that fits the kind.
func (r *repositoryCheck) probe(ctx context.Context) report.CheckLine {
	if prober, has := r.repository.(registry.Prober); has {
		if err := prober.Probe(ctx); err != nil {
			return undeleted(err)
		}
		return line(report.TopicDelete, report.CheckOK, "the registry would delete")
	}
	if tags, has := r.repository.(registry.TagDeleter); has {
		can, err := tags.CanDeleteTags(ctx)
		switch {
		case err != nil:
			return undeleted(err)
		case can:
			return line(report.TopicDelete, report.CheckOK, "the registry would delete, by digest and by tag")
		}
		return line(report.TopicDelete, report.CheckOK, "the registry would delete, by digest alone")
	}
	nothing := randomDigest()
	result := r.repository.Delete(ctx, []oci.Image{{Digest: nothing}})[0]
	switch {
	case result.Err != nil:
		return undeleted(result.Err)
	case result.Existed:
		return unknown(report.TopicDelete, fmt.Errorf("the registry says that it has deleted %s, which does not exist", nothing))
	}
	return line(report.TopicDelete, report.CheckOK, "the registry would delete, by digest")
}

// undeleted tells what a refused probe means. What the registry says of one manifest alone says nothing of others.
func undeleted(err error) report.CheckLine {
	if errors.Is(err, registry.ErrTagDeletionUnclear) || errors.Is(err, registry.ErrInUse) || errors.Is(err, registry.ErrRetained) {
		return unknown(report.TopicDelete, err)
	}
	return problem(report.TopicDelete, cancelled(err))
}

// randomDigest is the digest of nothing that any registry has.
func randomDigest() oci.Digest {
	var sum [32]byte
	_, _ = rand.Read(sum[:]) // it never fails (crypto/rand)
	return oci.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
