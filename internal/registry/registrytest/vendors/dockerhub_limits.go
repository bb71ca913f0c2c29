package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// HubLimits are the limits of Docker Hub.
type HubLimits struct {
	// API is how many requests of the API each account has in a minute; 0 is 600 (unverified).
	API int
	// Pulls is how many manifests each account gets (by GET) in six hours; 0 is no limit.
	Pulls int
}

const (
	hubAPILimit    = 600
	hubPullsWindow = 6 * time.Hour
)

// hubUse is what was used of the limits, by account, "" for nobody.
type hubUse struct{ api, pulls map[string]*hubWindow }

type hubWindow struct {
	reset time.Time
	used  int
}

// count counts a request in an account's window and returns what is left, -1 for a request beyond the limit.
func count(windows map[string]*hubWindow, user string, limit int, now time.Time, length time.Duration) (left int, reset time.Time) {
	w := windows[user]
	if w == nil || !now.Before(w.reset) {
		w = &hubWindow{reset: now.Add(length)}
		windows[user] = w
	}
	if w.used >= limit {
		return -1, w.reset
	}
	w.used++
	return limit - w.used, w.reset
}

// enter counts a request of the API, sets the headers of the limit, and answers 429 beyond it.
func (f *DockerHub) enter(w http.ResponseWriter, user string) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, limit := f.opts.Now(), cmp.Or(f.opts.Limits.API, hubAPILimit)
	left, reset := count(f.use.api, user, limit, now, time.Minute)
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, left)))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if left < 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(reset.Sub(now).Round(time.Second).Seconds())))
	}
	return left >= 0
}

// pull counts the GET of a manifest and reports whether the account may have it. HEAD is free (unverified).
func (f *DockerHub) pull(w http.ResponseWriter, r *http.Request) (ok bool) {
	limit := f.opts.Limits.Pulls
	if limit == 0 {
		return true
	}
	b := f.bearer(r)
	if b == nil {
		return true // let in, and expired since
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	left, _ := count(f.use.pulls, b.user, limit, f.opts.Now(), hubPullsWindow)
	window := int(hubPullsWindow.Seconds())
	w.Header().Set("RateLimit-Limit", fmt.Sprintf("%d;w=%d", limit, window))
	w.Header().Set("RateLimit-Remaining", fmt.Sprintf("%d;w=%d", max(0, left), window))
	return left >= 0
}

// Pulls returns how many manifests an account was served.
func (f *DockerHub) Pulls(user string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.use.pulls[user]; w != nil {
		return w.used
	}
	return 0
}
