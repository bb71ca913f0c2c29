package wire

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// hiddenText stands in the place of a secret.
const hiddenText = "***"

// minSecret is the length from which a secret is looked for as it is. A shorter one would be found in every word, and
// what is left of the text would say where.
const minSecret = 3

// secrets are the passwords and tokens that a client has used. Registries, token servers and proxies repeat them in their
// errors, and an error is printed and reported. It is safe for use by several goroutines.
type secrets struct {
	mu       sync.RWMutex
	known    map[string]bool
	forms    []string          // all in which the secrets can be repeated
	replacer *strings.Replacer // of the forms; nil when there are none
}

// addLogin adds a password with the form that basic authentication gives to it (RFC 7617).
func (s *secrets) addLogin(username, password string) {
	if password != "" {
		s.add(password, username+":"+password)
	}
}

// schemeSigned is the scheme of requests that are signed. A signature is good for its own request alone, and the key that
// made it does not follow from it: thousands of them would have to be looked for in each text.
const schemeSigned = "AWS4-HMAC-SHA256"

// addHeader adds the value of an Authorization header, a scheme and what comes after it.
func (s *secrets) addHeader(value string) {
	if scheme, secret, ok := strings.Cut(value, " "); ok && scheme != schemeSigned {
		s.add(secret)
	}
}

// add adds secrets in all their forms.
func (s *secrets) add(values ...string) {
	s.mu.RLock()
	unknown := slices.DeleteFunc(values, func(v string) bool { return v == "" || s.known[v] })
	s.mu.RUnlock()
	if len(unknown) == 0 { // as for nearly every request
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	for _, v := range unknown {
		s.known[v] = true
		s.forms = append(s.forms, formsOf(v)...)
	}
	slices.SortFunc(s.forms, func(a, b string) int { // the longest first: a form can be the beginning of another
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	s.forms = slices.Compact(s.forms)
	var pairs []string
	for _, form := range s.forms {
		pairs = append(pairs, form, hiddenText)
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// formsOf returns a secret as it is, in base64, and both as they stand in addresses, in JSON, in HTML and in Go's own
// quotes.
func formsOf(secret string) []string {
	plain := []string{secret}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		plain = append(plain, e.EncodeToString([]byte(secret)))
	}
	var out []string
	for _, p := range plain {
		quoted, _ := json.Marshal(p) // a text always encodes
		quotedGo := strconv.Quote(p)
		out = append(out, p, url.QueryEscape(p), url.PathEscape(p), lowerHex(url.QueryEscape(p)), lowerHex(url.PathEscape(p)),
			string(quoted[1:len(quoted)-1]), quotedGo[1:len(quotedGo)-1], html.EscapeString(p))
	}
	return slices.DeleteFunc(out, func(form string) bool { return len(form) < minSecret })
}

// lowerHex returns an escaped text with its digits in small letters, as some write them.
func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(escaped[i+1:i+3]))
		}
	}
	return string(b)
}

// hide returns a text that comes from outside without the secrets.
func (s *secrets) hide(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// hiddenError is an error whose text holds a secret.
type hiddenError struct {
	error
	text string
}

// Error returns the text without the secret.
func (e *hiddenError) Error() string { return e.text }
func (e *hiddenError) Unwrap() error { return e.error }

// Hide returns a text that can have come from the registry, or from something in between, without the secrets that this
// client has used.
func (c *Client) Hide(text string) string { return c.secrets.hide(text) }

// HideIn returns an error whose text is without these secrets. What the error is stays the same.
func (c *Client) HideIn(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := c.secrets.hide(text); clean != text {
		return &hiddenError{err, clean}
	}
	return err
}
