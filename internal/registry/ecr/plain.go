package ecr

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// plain is a registry that is used over the OCI API alone, by digest.
type plain struct {
	*distribution.Registry
	because string // why not with the API of Amazon ECR; "" where that would give nothing more
}

func newPlain(client *wire.Client, host string, o registry.Options, traits registry.Traits, because string) plain {
	traits.BatchSize, traits.ListsUntagged, traits.PushTime = 0, false, false
	return plain{distribution.On(client, host, o, traits), because}
}

// Repository returns the repository with the path, which cannot remove a tag alone; nothing is sent.
func (r plain) Repository(path string) registry.Repository {
	return plainRepository{r.Registry.Repository(path).(registry.Core), r.because}
}

type plainRepository struct {
	registry.Core
	because string
}

// Why the API of Amazon ECR is not used, and what that costs.
const (
	becauseOfKeys  = "there are no AWS credentials in the environment, and the docker login cannot use the API of Amazon ECR"
	becauseOfProxy = "this host is a proxy of Amazon ECR, and AWS credentials are used for its own hosts alone"
	whatItCosts    = "images without a tag are not seen, push times are not known, and each image is deleted with a request of its own; see docs/registries.md"
)

// keysHint says where AWS credentials come from.
const keysHint = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, for example with aws-actions/configure-aws-credentials: " +
	"regsweep then uses the API of Amazon ECR, with ecr:DescribeImages, ecr:BatchGetImage and ecr:BatchDeleteImage"

// Snapshot reads what the tags lead to.
func (r plainRepository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.Core.Snapshot(ctx, q)
	if err == nil && r.because != "" {
		s.Warnings = append(s.Warnings, r.because+": "+whatItCosts)
	}
	return s, explainRead(err)
}

// Refresh looks at the tags again.
func (r plainRepository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	s, err := r.Core.Refresh(ctx, before, known)
	return s, explainRead(err)
}

// WithReferrers adds what is attached to manifests.
func (r plainRepository) WithReferrers(ctx context.Context, s oci.Snapshot, of []oci.Digest) (oci.Snapshot, error) {
	s, err := r.Core.WithReferrers(ctx, s, of)
	return s, explainRead(err)
}

// Delete deletes images by their digests, with a request each.
func (r plainRepository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := r.Core.Delete(ctx, level)
	for i := range out {
		out[i].Err = r.explainDelete(out[i].Err)
	}
	return out
}

// explainDelete says what a refused deletion means. What the OCI API of Amazon ECR answers is documented nowhere, so the
// text decides, and only for less to be deleted.
func (r plainRepository) explainDelete(err error) error {
	var answer *registry.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch text := strings.ToLower(answer.Message); {
	case strings.Contains(text, "referenced by manifest list"): // as BatchDeleteImage has it
		return registry.Mark(err, registry.ErrInUse)
	case answer.Status == http.StatusForbidden && !strings.Contains(text, badLogin):
		return &failure{err, nil, "allow " + r.service() + ":BatchDeleteImage on this repository in the IAM policy of the role or user that has logged in"}
	case r.because != "" && answer.Status == http.StatusNotFound && !errors.Is(err, registry.ErrNotFound):
		return &failure{err, nil, keysHint}
	}
	return explainRead(err)
}

func (r plainRepository) service() string {
	if r.because == "" {
		return "ecr-public"
	}
	return "ecr"
}

// badLogin is in the answer to a login that has ended after twelve hours, or that never was one.
const badLogin = "authorization token"

// explainRead says what a refused request to the OCI API means.
func explainRead(err error) error {
	var answer *registry.Error
	if !errors.As(err, &answer) || !strings.Contains(answer.URL, "/v2/") {
		return err
	}
	switch {
	case answer.Message == wire.NoLogin:
		return &failure{err, registry.ErrUnauthorized, "run docker login for this registry, for example with aws-actions/amazon-ecr-login; or set AWS credentials, for example with aws-actions/configure-aws-credentials"}
	case answer.Status < http.StatusInternalServerError && strings.Contains(strings.ToLower(answer.Message), badLogin):
		return &failure{err, registry.ErrUnauthorized, "run docker login again right before this step, for example with aws-actions/amazon-ecr-login: a login for Amazon ECR ends after twelve hours"}
	case answer.Status == http.StatusForbidden:
		return &failure{err, nil, "allow ecr:ListImages, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on this repository in the IAM policy of the role or user that has logged in"}
	}
	return err
}
