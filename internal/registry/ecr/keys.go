package ecr

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// keys are AWS credentials.
type keys struct {
	id      string
	secret  registry.Secret
	session registry.Secret // of temporary keys; "" for those of a user
	expires time.Time       // the zero time is never, or not known
}

// source is where keys come from.
type source struct {
	name string // for a person, such as "the environment"
	// renew says what helps when the keys have expired, or are not accepted.
	renew string
	// fetch gets keys; fresh ones with each call, unless fixed is set.
	fetch func(ctx context.Context) (keys, error)
	fixed bool
}

// sourceOf returns the first source that the environment names, in the order of AWS's own tools; nil without one
// (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
func sourceOf(p place, o registry.Options) (*source, error) {
	for _, find := range []func(place, registry.Options) (*source, error){environment, webIdentity, container} {
		if s, err := find(p, o); s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// environment finds the keys that aws-actions/configure-aws-credentials and other tools export.
func environment(_ place, o registry.Options) (*source, error) {
	k := keys{
		id: o.Getenv("AWS_ACCESS_KEY_ID"), secret: registry.Secret(o.Getenv("AWS_SECRET_ACCESS_KEY")),
		session: registry.Secret(o.Getenv("AWS_SESSION_TOKEN")),
	}
	switch {
	case k.id == "" && k.secret == "":
		return nil, nil
	case k.secret == "":
		return nil, errHalf("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	case k.id == "":
		return nil, errHalf("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
	}
	return &source{
		name: "the environment", fixed: true,
		renew: "get new ones right before this step, for example with aws-actions/configure-aws-credentials; temporary keys need AWS_SESSION_TOKEN as well, and a role-duration-seconds longer than the job",
		fetch: func(context.Context) (keys, error) { return k, nil },
	}, nil
}

func errHalf(set, missing string) error {
	return &failure{
		error: fmt.Errorf("%s is set, and %s is not", set, missing),
		hint:  "set both for Amazon ECR, or neither: without them regsweep uses the docker login",
	}
}

// early is how long before their end keys are renewed. AWS's own tools take five minutes
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
const early = 5 * time.Minute

// wallet keeps keys until they have to be renewed. It is safe for use by several goroutines.
type wallet struct {
	source
	now    func() time.Time
	hidden *wire.Client // whose texts must not show the keys

	mu    sync.Mutex
	held  keys // the zero value before the first ones
	stale bool // AWS has refused them
}

// keys returns keys that are good now. A renewal that fails is no harm while the old ones are good.
func (w *wallet) keys(ctx context.Context) (keys, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.good(early) {
		return w.held, nil
	}
	k, err := w.fetch(ctx)
	switch {
	case err == nil:
		w.held, w.stale = k, false
		w.hidden.Hidden(string(k.secret), string(k.session))
	case !w.good(0):
		return keys{}, fmt.Errorf("get AWS credentials from %s: %w", w.name, err)
	}
	return w.held, nil
}

// good reports whether the keys are good for some more time.
func (w *wallet) good(more time.Duration) bool {
	return w.held.id != "" && !w.stale && (w.held.expires.IsZero() || w.now().Add(more).Before(w.held.expires))
}

// current returns the keys that the last call of keys has returned.
func (w *wallet) current() keys {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}

// refused reports whether it is worth asking again with new keys, after AWS has called these ones expired.
func (w *wallet) refused(k keys) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = w.stale || !w.fixed && w.held.id == k.id // else somebody else has renewed them meanwhile
	return !w.fixed
}
