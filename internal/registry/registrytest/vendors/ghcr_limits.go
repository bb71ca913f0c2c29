package vendors

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// GHCRLimits are the limits of the API (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
type GHCRLimits struct {
	// Quota is how many requests each token has in an hour. 0 is the service's own: 5,000 for a classic token, 1,000 for
	// an installation token, and no quota on a server.
	Quota int
	// Points are those of the secondary limit for each token in a minute, with 1 for a GET and 5 for a DELETE: 0 is 900,
	// negative is no limit.
	Points int
	// Status answers requests beyond a limit, 403 or 429; 0 is 403.
	Status int
	// NoRetryAfter leaves Retry-After out of the answers of the secondary limit.
	NoRetryAfter bool
	// Manifests is how many manifests the registry serves in a second, before it answers 429; 0 is no limit. The
	// service's own number is not known.
	Manifests int
}

const (
	ghcrPoints     = 900
	ghcrConcurrent = 100 // requests of the API at the same time
	ghcrLimitsPage = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
)

// ghcrUse is what was used of the limits.
type ghcrUse struct {
	quota  map[string]*ghcrWindow // by secret
	asked  []ghcrPoint            // every request of the API
	served []ghcrPoint            // those that the secondary limit let pass
	now    int                    // requests that are being answered
	most   int
	forced []ghcrForced

	second    time.Time
	manifests int // in that second
}

type ghcrWindow struct {
	reset time.Time
	used  int
}

type ghcrPoint struct {
	secret string
	at     time.Time
	points int
}

// ghcrForced is a secondary limit that a test has asked for.
type ghcrForced struct {
	status     int
	retryAfter string
}

// Points returns the most points that the requests of one token were worth in any minute of the fake's clock, also
// those that were refused.
func (f *GHCR) Points() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	most := 0
	for n, last := range f.limits.asked {
		most = max(most, minute(f.limits.asked[:n+1], last))
	}
	return most
}

// minute sums up the points of a token in the minute that ends with its last request. The requests are in order.
func minute(asked []ghcrPoint, last ghcrPoint) int {
	sum := 0
	for n := len(asked) - 1; n >= 0 && last.at.Sub(asked[n].at) < time.Minute; n-- {
		if asked[n].secret == last.secret {
			sum += asked[n].points
		}
	}
	return sum
}

// MostAtOnce returns the most requests of the API that were answered at the same time.
func (f *GHCR) MostAtOnce() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.limits.most
}

// Spend uses up requests of a token's quota, as other jobs with the same token do.
func (f *GHCR) Spend(secret string, requests int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if login := f.tokens[secret]; login != nil {
		f.window(login.GHCRToken).used += requests
	}
}

// Remaining returns how many requests are left of a token's quota in this hour, -1 without a quota.
func (f *GHCR) Remaining(secret string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	tok := GHCRToken{Secret: secret}
	if f.quotaOf(tok) == 0 {
		return -1
	}
	return max(0, f.quotaOf(tok)-f.window(tok).used)
}

// LimitNext answers the next requests of the API as the secondary limit does, with a status, 403 or 429, and with a
// Retry-After if it is not "".
func (f *GHCR) LimitNext(requests, status int, retryAfter string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range requests {
		f.limits.forced = append(f.limits.forced, ghcrForced{status, retryAfter})
	}
}

// quotaOf returns a token's requests in an hour, 0 for no quota.
func (f *GHCR) quotaOf(tok GHCRToken) int {
	switch {
	case f.opts.Limits.Quota > 0:
		return f.opts.Limits.Quota
	case f.hosts.prefix != "":
		return 0
	case tok.Secret == "":
		return 60
	case tok.installation():
		return 1000
	}
	return 5000
}

// window returns a token's current hour, which starts with its first request. The caller holds f.mu.
func (f *GHCR) window(tok GHCRToken) *ghcrWindow {
	now, w := f.opts.Now(), f.limits.quota[tok.Secret]
	if w == nil || !now.Before(w.reset) {
		w = &ghcrWindow{reset: now.Add(time.Hour).Truncate(time.Second)}
		f.limits.quota[tok.Secret] = w
	}
	return w
}

// enter counts a request of the API and refuses it beyond a limit. leave ends a request that was let in.
func (f *GHCR) enter(w http.ResponseWriter, r *http.Request, tok GHCRToken) (ok bool) {
	points := 5
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		points = 1
	}
	status, message := f.admit(w, tok, points)
	if status != 0 {
		f.refuse(w, r, status, message, ghcrLimitsPage)
		return false
	}
	return true
}

// admit counts a request and returns how it is refused: with 0 it is let in. What a refused request uses up of the
// limits is unverified: nothing here.
func (f *GHCR) admit(w http.ResponseWriter, tok GHCRToken, points int) (status int, message string) {
	u := &f.limits
	f.mu.Lock()
	defer f.mu.Unlock()
	point := ghcrPoint{tok.Secret, f.opts.Now(), points}
	u.asked = append(u.asked, point)
	quota, window := f.quotaOf(tok), f.window(tok)
	defer func() { limitHeaders(w, quota, window) }()
	if quota > 0 && window.used >= quota {
		return cmp.Or(f.opts.Limits.Status, http.StatusForbidden), "API rate limit exceeded for " + tok.owner() + "."
	}
	limit := cmp.Or(f.opts.Limits.Points, ghcrPoints)
	over := limit > 0 && minute(u.served, point)+points > limit || u.now >= ghcrConcurrent
	forced := ghcrForced{cmp.Or(f.opts.Limits.Status, http.StatusForbidden), "60"}
	if f.opts.Limits.NoRetryAfter {
		forced.retryAfter = ""
	}
	if !over && len(u.forced) > 0 {
		over, forced, u.forced = true, u.forced[0], u.forced[1:]
	}
	if over {
		if forced.retryAfter != "" {
			w.Header().Set("Retry-After", forced.retryAfter)
		}
		return forced.status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	}
	window.used++
	u.served = append(u.served, point)
	u.now++
	u.most = max(u.most, u.now)
	return 0, ""
}

func (f *GHCR) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits.now--
}

// owner is how the message of the primary limit names who has used up the quota.
func (t GHCRToken) owner() string {
	if t.installation() {
		return "installation ID 1"
	}
	return "user ID 1"
}

func limitHeaders(w http.ResponseWriter, quota int, window *ghcrWindow) {
	if quota == 0 {
		return
	}
	for key, value := range map[string]int64{
		"Limit": int64(quota), "Remaining": int64(max(0, quota-window.used)), "Used": int64(window.used), "Reset": window.reset.Unix(),
	} {
		w.Header().Set("X-RateLimit-"+key, strconv.FormatInt(value, 10))
	}
	w.Header().Set("X-RateLimit-Resource", "core")
}

// serveRateLimit answers GET /rate_limit, which costs nothing of the quota. A server without limits has no such answer.
func (f *GHCR) serveRateLimit(w http.ResponseWriter, r *http.Request, tok GHCRToken) {
	f.mu.Lock()
	quota, window := f.quotaOf(tok), *f.window(tok)
	f.mu.Unlock()
	if quota == 0 {
		f.refuse(w, r, http.StatusNotFound, "Rate limiting is not enabled.", ghcrLimitsPage)
		return
	}
	limitHeaders(w, quota, &window)
	core := map[string]any{"limit": quota, "used": window.used, "remaining": max(0, quota-window.used), "reset": window.reset.Unix(), "resource": "core"}
	answerJSON(w, http.StatusOK, map[string]any{"resources": map[string]any{"core": core}, "rate": core})
}

// tooManyManifests counts a read of a manifest and reports whether the second has had too many.
func (f *GHCR) tooManyManifests() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := &f.limits
	if second := f.opts.Now().Truncate(time.Second); !second.Equal(u.second) {
		u.second, u.manifests = second, 0
	}
	u.manifests++
	return f.opts.Limits.Manifests > 0 && u.manifests > f.opts.Limits.Manifests
}
