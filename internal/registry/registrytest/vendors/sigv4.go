package vendors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AWSKeys are credentials that sign requests to an AWS service.
type AWSKeys struct {
	AccessKeyID, SecretAccessKey string
	// SessionToken belongs to temporary keys; "" for those of a user.
	SessionToken string
	// Expires is when temporary keys end; the zero time is never.
	Expires time.Time
}

// awsError is an error of an AWS service. The messages and the status 400 of its JSON protocols are unverified.
type awsError struct {
	status        int
	code, message string
}

func badRequest(code, format string, args ...any) *awsError {
	return &awsError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// sigV4 verifies requests that are signed with Signature Version 4 in the Authorization header
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
type sigV4 struct {
	region, service string
	now             func() time.Time
	// keys returns the keys of an access key ID that was issued, expired or not.
	keys func(id string) (AWSKeys, bool)
}

const (
	sigV4Algorithm = "AWS4-HMAC-SHA256"
	amzTime        = "20060102T150405Z"
	// sigV4Skew is how far the clock of the signer may be off. AWS documents five minutes for most requests.
	sigV4Skew = 5 * time.Minute
)

// signature is the Authorization header in parts.
type signature struct {
	id      string
	scope   []string // date, region, service, "aws4_request"
	headers []string
	hex     string
}

func parseSignature(header string) (s signature, ok bool) {
	rest, ok := strings.CutPrefix(header, sigV4Algorithm+" ")
	if !ok {
		return s, false
	}
	parts := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		parts[name] = value
	}
	credential := strings.Split(parts["Credential"], "/")
	if len(credential) != 5 || parts["SignedHeaders"] == "" || parts["Signature"] == "" {
		return s, false
	}
	return signature{credential[0], credential[1:], strings.Split(parts["SignedHeaders"], ";"), parts["Signature"]}, true
}

// verify returns nil for a request that is signed with keys that are good now.
func (v sigV4) verify(r *http.Request, body []byte) *awsError {
	header := r.Header.Get("Authorization")
	if header == "" {
		return badRequest("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	s, ok := parseSignature(header)
	if !ok {
		return badRequest("IncompleteSignatureException", "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
	}
	if err := v.checkHeaders(r, s); err != nil {
		return err
	}
	if err := v.checkScope(r, s); err != nil {
		return err
	}
	keys, ok := v.keys(s.id)
	if !ok || keys.SessionToken != r.Header.Get("X-Amz-Security-Token") {
		return badRequest("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	payload := hexSHA256(body)
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" && sent != payload {
		return badRequest("InvalidSignatureException", "The value of 'x-amz-content-sha256' does not match the payload.")
	}
	want := v.sign(keys.SecretAccessKey, r, s, payload)
	if !hmac.Equal([]byte(want), []byte(s.hex)) {
		return badRequest("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	if !keys.Expires.IsZero() && !v.now().Before(keys.Expires) {
		return badRequest("ExpiredTokenException", "The security token included in the request is expired")
	}
	return nil
}

// checkHeaders wants the host and every x-amz header of the request to be signed.
func (v sigV4) checkHeaders(r *http.Request, s signature) *awsError {
	want := []string{"host", "x-amz-date"}
	for name := range r.Header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			want = append(want, name)
		}
	}
	for _, name := range want {
		if !slices.Contains(s.headers, name) {
			return badRequest("InvalidSignatureException", "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	if !slices.IsSorted(s.headers) {
		return badRequest("InvalidSignatureException", "The signed headers are not sorted.")
	}
	return nil
}

// checkScope checks the date, region and service that the signature is for.
func (v sigV4) checkScope(r *http.Request, s signature) *awsError {
	at, err := time.Parse(amzTime, r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil:
		return badRequest("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.")
	case s.scope[0] != at.Format("20060102"):
		return badRequest("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	case at.Before(v.now().Add(-sigV4Skew)):
		return badRequest("InvalidSignatureException", "Signature expired: %s is now earlier than %s",
			at.Format(amzTime), v.now().Add(-sigV4Skew).UTC().Format(amzTime))
	case at.After(v.now().Add(sigV4Skew)):
		return badRequest("InvalidSignatureException", "Signature not yet current: %s is still later than %s",
			at.Format(amzTime), v.now().Add(sigV4Skew).UTC().Format(amzTime))
	case s.scope[1] != v.region:
		return badRequest("InvalidSignatureException", "Credential should be scoped to a valid region.")
	case s.scope[2] != v.service:
		return badRequest("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", v.service)
	case s.scope[3] != "aws4_request":
		return badRequest("InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request'.")
	}
	return nil
}

// sign returns the signature that the request should have.
func (v sigV4) sign(secret string, r *http.Request, s signature, payload string) string {
	canonical := strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL.Query()), canonicalHeaders(r, s.headers),
		strings.Join(s.headers, ";"), payload,
	}, "\n")
	text := strings.Join([]string{
		sigV4Algorithm, r.Header.Get("X-Amz-Date"), strings.Join(s.scope, "/"), hexSHA256([]byte(canonical)),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range append(slices.Clone(s.scope), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// canonicalPath is the path, encoded a second time as all services but S3 want it.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	return strings.ReplaceAll(amzEscape(path), "%2F", "/")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, amzEscape(name)+"="+amzEscape(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// canonicalHeaders ends in an empty line, as each header ends in a newline.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		trimmed := make([]string, len(values))
		for i, value := range values {
			trimmed[i] = strings.Join(strings.Fields(value), " ")
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(trimmed, ","))
	}
	return b.String()
}

// amzEscape encodes everything but letters, digits and "-._~".
func amzEscape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
