package wire

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// login is what a client learns of its login while it is used.
type login struct {
	found    atomic.Bool // there is one
	reads    atomic.Bool // a read was answered
	modest   atomic.Bool // the token server refuses the scopes of calls, and is asked for those of challenges
	mu       sync.Mutex
	demanded map[string][]string // scopes that a challenge has named, by what a call wants
	general  []string            // scopes that a challenge has named and that are of no repository, such as Gitea's "*"
}

// wantKey is the key under which a request's context says what the call wants.
type wantKey struct{}

// want returns what a call wants, as far as the scope of a challenge depends on it.
func (k Call) want() string {
	kind := "write"
	if k.reads() {
		kind = "read"
	}
	return kind + " " + strings.Join(k.Scopes, " ")
}

// scopesOf returns the scopes that a token is asked for. A token server that does not know the action delete, as Quay's,
// refuses the whole request, while the scope of the challenge to a deletion would have been right.
// Where challenges name a scope that is of no repository, tokens are kept by that too: a request that left it out would be
// sent without a token first.
func (l *login) scopesOf(k Call) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.modest.Load() {
		return slices.Concat(k.Scopes, l.general)
	}
	return l.demanded[k.want()]
}

var challengeScope = regexp.MustCompile(`(?i)\bscope="([^"]*)"`)

// heed remembers the scope of a challenge.
func (l *login) heed(want, challenge string) {
	m := challengeScope.FindStringSubmatch(challenge)
	if m == nil || want == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.demanded == nil {
		l.demanded = map[string][]string{}
	}
	l.demanded[want] = strings.Fields(m[1])
	for _, s := range l.demanded[want] {
		if !strings.Contains(s, ":") && !slices.Contains(l.general, s) {
			l.general = append(l.general, s)
		}
	}
}

// giveIn reports whether a call is worth sending again with the scope of its challenge alone: a token server has refused
// the wishes of the call, and not the login.
func (l *login) giveIn(k Call, err error) bool {
	var refused *tokenError
	if len(k.Scopes) == 0 || !errors.As(err, &refused) {
		return false
	}
	switch status := refused.answer.StatusCode; {
	case status == http.StatusUnauthorized, retryable(err), status >= http.StatusInternalServerError:
		return false
	}
	return l.modest.CompareAndSwap(false, true)
}

// lacks reports whether a request that would change something was refused because the login lacks a right: it may read.
func (l *login) lacks(status int) bool {
	return l.found.Load() && l.reads.Load() && (status == http.StatusUnauthorized || status == http.StatusForbidden)
}

// witness sees every request that a client sends, and the answer.
type witness struct {
	http.RoundTripper
	client *Client
}

// RoundTrip notes the secrets of the request and what a challenge asks for.
func (w witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.client.secrets.addHeader(req.Header.Get("Authorization"))
	own := req.URL.Host == w.client.apiHost()
	if read := w.client.tokens.Load(); own && read != nil {
		if token, is := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); is {
			(*read)(token)
		}
	}
	if own {
		if again := w.client.greeting.again(req); again != nil {
			return again, nil
		}
	}
	resp, err := w.RoundTripper.RoundTrip(req)
	if err == nil && own {
		w.client.greeting.hear(resp)
	}
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		want, _ := req.Context().Value(wantKey{}).(string)
		w.client.login.heed(want, resp.Header.Get("WWW-Authenticate"))
	}
	return resp, err
}

// credential finds the login for a host.
func (c *Client) credential(ctx context.Context, host string) (auth.Credential, error) {
	found, _, err := lookup(ctx, host, c.options.Credentials)
	if found != auth.EmptyCredential {
		c.login.found.Store(true)
	}
	c.secrets.addLogin(found.Username, found.Password)
	c.secrets.add(found.RefreshToken, found.AccessToken)
	return found, err
}

// blockedRealms are the addresses of token servers to which a login is not sent. A registry on this machine may have its
// token server here too, under whatever name: 127.0.0.1, ::1 and localhost are the same to docker.
func blockedRealms(host string) []netip.Prefix {
	blocked := auth.DefaultBlockedRealmPrefixes()
	if Loopback(host) {
		blocked = slices.DeleteFunc(blocked, func(p netip.Prefix) bool { return p.Addr().IsLoopback() })
	}
	return blocked
}
