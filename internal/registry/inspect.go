package registry

import (
	"context"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Inspector is a repository that tells how its registry lets this program in, for a person who looks for what is wrong.
// Nothing is changed.
type Inspector interface {
	// Access returns where the login comes from and what is known of its rights. It sends nothing. An error is about a
	// configuration file or a credential helper.
	Access(ctx context.Context) (Access, error)
	// ServesReferrers asks whether the registry has the referrers API (OCI distribution-spec v1.1, "Listing Referrers"). The
	// digest must be that of a manifest in the repository.
	ServesReferrers(ctx context.Context, d oci.Digest) (bool, error)
}

// Access is how a registry lets this program in. There is no secret in it.
type Access struct {
	// Source says where the login comes from, such as the path of a configuration file; "" when no login is known.
	Source string
	// Asked reports whether the registry has asked for a login or a token so far.
	Asked bool
	// Known says that Actions are all that the registry's token grants in the repository: the token says so itself. It is
	// false for basic authentication, and for a token that only its registry can read.
	Known bool
	// Actions are those of the token's access claim, such as pull and delete
	// (https://distribution.github.io/distribution/spec/auth/jwt/); "*" is all.
	Actions []string
}

// Prober is a repository of a kind with its own harmless way to find out whether this login may delete. Without it, the
// program asks for the deletion of a digest that does not exist, which is pointless where deletions go another way.
type Prober interface {
	// Probe returns nil when the registry would delete, else why it would not. It changes nothing.
	Probe(ctx context.Context) error
}

// Quota is a repository whose registry says how many more requests it allows this login.
type Quota interface {
	// Remaining returns the number of requests that are left until the registry counts again from the beginning, at resets;
	// known is false when the registry does not say.
	Remaining(ctx context.Context) (left int, resets time.Time, known bool)
}
