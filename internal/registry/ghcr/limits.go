package ghcr

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// heed reads the quota off an answer. Answers can overtake each other: of one hour the least counts.
func (p *pace) heed(h http.Header) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	epoch, err2 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || err2 != nil {
		return
	}
	reset := time.Unix(epoch, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.known || reset.After(p.reset):
		p.known, p.remaining, p.reset = true, remaining, reset
	case reset.Equal(p.reset):
		p.remaining = min(p.remaining, remaining)
	}
}

// limits reports whether an answer is about a limit, and notes how long to wait. The secondary limit may come without a
// time and while quota is left.
func (p *pace) limits(status int, h http.Header, message string) bool {
	text := strings.ToLower(message)
	if status != http.StatusTooManyRequests && (status != http.StatusForbidden || !strings.Contains(text, "rate limit")) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	until := now.Add(firstPause << min(p.strikes, 10))
	after := h.Get("Retry-After")
	seconds, err := strconv.Atoi(after)
	date, err2 := http.ParseTime(after)
	switch {
	case err == nil && seconds >= 0:
		until = now.Add(time.Duration(seconds) * time.Second)
	case err2 == nil:
		until = date
	case h.Get("X-RateLimit-Remaining") == "0" && p.known && now.Before(p.reset):
		until = p.reset
	case now.Before(p.blocked): // it was sent together with one that was answered so
		until = p.blocked
	default:
		p.strikes++
	}
	if until.After(p.blocked) {
		p.blocked = until
	}
	return true
}

// works notes that GitHub serves.
func (p *pace) works() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strikes = 0
}

// refused says that a limit lasts.
func (p *pace) refused(until time.Time, why string) error {
	form := "15:04 MST"
	if until.Sub(p.now()) > 12*time.Hour {
		form = "2006-01-02 15:04 MST"
	}
	return &problem{
		fmt.Errorf("GitHub takes no more requests of this token until %s: %s", until.UTC().Format(form), why), registry.ErrLimited,
		"run again after that time: the next run goes on where this one has stopped; other jobs with the same token share its quota",
	}
}

// tell adds the time at which it goes on to an answer about a limit that was met again and again.
func (p *pace) tell(err error) error {
	var own *problem
	if !errors.Is(err, registry.ErrLimited) || errors.As(err, &own) {
		return err
	}
	p.mu.Lock()
	until := p.blocked
	p.mu.Unlock()
	return &problem{
		fmt.Errorf("GitHub takes no more requests of this token until %s: %w", until.UTC().Format("15:04 MST"), err), registry.ErrLimited,
		"run again after that time: the next run goes on where this one has stopped",
	}
}

// left returns what is known of this hour's quota.
func (p *pace) left() (left int, resets time.Time, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known || !p.now().Before(p.reset) {
		return 0, time.Time{}, false
	}
	return p.remaining, p.reset, true
}
