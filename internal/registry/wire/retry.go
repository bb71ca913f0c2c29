package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

const (
	// maxTries is how often a request is sent before its failure counts.
	maxTries = 6
	// maxElapsed is how long the tries of one request may take in all.
	maxElapsed = 15 * time.Minute
	// maxRetryAfter is the longest Retry-After that is waited for. A registry that asks for more has shut the door.
	maxRetryAfter = 5 * time.Minute
)

// retry calls try until it succeeds, fails for good, has failed maxTries times or took maxElapsed. Every request of this
// package is safe to send again: reads change nothing, a second DELETE of a digest answers 404, and what changes a tag
// looks at it before each try. try says how long its request took, 0 when none was sent.
func (c *Client) retry(ctx context.Context, l *limit, kind sort, try func() (took time.Duration, err error)) error {
	if ctx.Err() != nil { // backoff makes one try even then
		return registry.Mark(context.Cause(ctx), registry.ErrNotSent)
	}
	var asked time.Duration
	var last error // what the latest try came to
	op := func() error {
		err := c.pass(ctx, l)
		if err != nil {
			if last == nil {
				return backoff.Permanent(registry.Mark(err, registry.ErrNotSent))
			}
			return backoff.Permanent(err)
		}
		took, err := try()
		if congested := congestion(err); took > 0 && (err == nil || congested) {
			l.release(kind, took, congested)
		} else { // a refusal costs a registry less than the work that it refuses: it is no measure of that
			l.leave()
		}
		last = err
		asked = retryAfterOf(err)
		var final *backoff.PermanentError
		switch {
		case err == nil, errors.As(err, &final):
			return err
		case asked > maxRetryAfter:
			return backoff.Permanent(fmt.Errorf("the registry asks to wait %s: %w", asked, err))
		case !retryable(err):
			return backoff.Permanent(err)
		}
		c.gate.close(asked)
		return err
	}
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(c.options.RetryBase),
		backoff.WithMaxInterval(30*time.Second),
		backoff.WithMultiplier(2),
		backoff.WithMaxElapsedTime(maxElapsed),
	)
	began := time.Now()
	err := backoff.RetryNotify(op, backoff.WithContext(backoff.WithMaxRetries(&atLeast{wait, &asked}, maxTries-1), ctx), func(err error, pause time.Duration) {
		if time.Since(began)+pause >= quiet {
			c.tellWaiting(err)
		}
	})
	switch {
	case err == nil || ctx.Err() == nil || errors.Is(err, registry.ErrNotSent):
		return err
	case last == nil || errors.Is(last, context.Cause(ctx)):
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w, after %w", context.Cause(ctx), last) // cancelled between two tries
}

// quiet is how long a request may fail before somebody who looks on is told.
const quiet = time.Second

// tellWaiting says, once, that the registry lets a request wait.
func (c *Client) tellWaiting(err error) {
	if c.options.Waiting != nil && !c.told.Swap(true) {
		c.options.Waiting(c.host, c.HideIn(err))
	}
}

// pass waits until a request may be sent. The place among those on their way comes first: a request that waits for one
// has to heed a pause that the registry asks for meanwhile.
func (c *Client) pass(ctx context.Context, l *limit) error {
	err := l.acquire(ctx)
	if err == nil {
		if err = c.gate.wait(ctx); err != nil {
			l.leave()
		}
	}
	return err
}

// atLeast waits as long as the server asked for when that is longer than the backoff.
type atLeast struct {
	backoff.BackOff
	asked *time.Duration
}

func (a *atLeast) NextBackOff() time.Duration {
	next := a.BackOff.NextBackOff()
	if next == backoff.Stop {
		return next
	}
	return max(next, *a.asked)
}

// retryable reports whether a request that failed so is worth sending again.
func retryable(err error) bool {
	status := 0
	var answer *registry.Error
	var token *errcode.ErrorResponse
	var malformed textproto.ProtocolError
	switch {
	case errors.As(err, &answer):
		status = answer.Status
	case errors.As(err, &token): // from the token server
		status = token.StatusCode
	case errors.Is(err, context.Canceled), errors.Is(err, http.ErrSchemeMismatch), badCertificate(err), errors.As(err, &malformed):
		return false
	case errors.Is(err, errBroken):
		return true
	default:
		return false
	}
	if answer != nil && status == http.StatusInternalServerError && (answer.Method == http.MethodHead || answer.SameAgain()) {
		return false // without a body nobody knows why: a GET comes next
	}
	if answer != nil && answer.Limited {
		return true
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && status != http.StatusNotImplemented
}

// congestion reports whether an answer tells that the registry has too much to do.
func congestion(err error) bool {
	var answer *registry.Error
	if errors.As(err, &answer) {
		return answer.Limited || answer.Status == http.StatusTooManyRequests || answer.Status >= 500 && answer.Status != http.StatusNotImplemented
	}
	return errors.Is(err, errBroken)
}

// badCertificate reports whether TLS failed for a reason that another try does not change.
func badCertificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var alert tls.AlertError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &alert)
}

// retryAfterOf returns how long the server asked to wait, 0 when it did not.
func retryAfterOf(err error) time.Duration {
	var answer *registry.Error
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}

// retryAfter reads a Retry-After header in both its forms, seconds and a date (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// gate holds back every request of a client while the registry has asked for a pause: one slowed-down request means
// that the others are too many as well.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

func (g *gate) close(d time.Duration) {
	if d <= 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
}

func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		d := time.Until(g.until)
		g.mu.Unlock()
		if d <= 0 {
			return context.Cause(ctx)
		}
		timer := time.NewTimer(d)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}
