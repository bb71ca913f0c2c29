package vendors

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// The paths of the endpoints of container credentials, for EKS Pod Identity and for ECS
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
const (
	eksCredentials = "/v1/credentials"
	ecsCredentials = "/v2/credentials/"
)

// loginLife is how long a password of docker's login is good.
const loginLife = 12 * time.Hour

// requestID returns an identifier that is different for each call.
func (f *ECR) requestID() string { return f.secret("request")[:32] }

// secret returns a text that is different for each call and the same in every run.
func (f *ECR) secret(kind string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.issued++
	return digest.FromString(fmt.Sprint(kind, f.issued)).Encoded()
}

// UserKeys issues keys that do not end.
func (f *ECR) UserKeys() AWSKeys {
	return f.issue(AWSKeys{AccessKeyID: "AKIA" + f.keyID(), SecretAccessKey: f.secret("secret")[:40]})
}

// SessionKeys issues temporary keys.
func (f *ECR) SessionKeys() AWSKeys {
	return f.issue(AWSKeys{
		AccessKeyID: "ASIA" + f.keyID(), SecretAccessKey: f.secret("secret")[:40],
		SessionToken: "IQoJ" + f.secret("session") + "/+==", // with the characters that must be encoded in a query
		Expires:      f.opts.Now().Add(f.opts.KeyLife).UTC().Truncate(time.Second),
	})
}

func (f *ECR) keyID() string { return strings.ToUpper(f.secret("id")[:16]) }

func (f *ECR) issue(k AWSKeys) AWSKeys {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[k.AccessKeyID] = k
	return k
}

// ExpireKeys ends all temporary keys that were issued so far, now.
func (f *ECR) ExpireKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, k := range f.keys {
		if !k.Expires.IsZero() {
			k.Expires = f.opts.Now()
			f.keys[id] = k
		}
	}
}

// Password issues a password for docker's login, whose user is "AWS". It is good for twelve hours.
func (f *ECR) Password() string {
	password := f.secret("password")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passwords[password] = f.opts.Now().Add(loginLife)
	return password
}

// ExpirePasswords ends all logins of docker, now.
func (f *ECR) ExpirePasswords() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for password := range f.passwords {
		f.passwords[password] = f.opts.Now()
	}
}

// RoleARN is the role that a web identity may take.
func (f *ECR) RoleARN() string { return "arn:aws:iam::" + f.opts.Account + ":role/prune" }

// WebIdentity is the token that STS takes for the role.
func (f *ECR) WebIdentity() string {
	return "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOmFjbWUvYXBwIn0.c2lnbmF0dXJl"
}

// ContainerToken is what the endpoint of container credentials wants in Authorization.
func (f *ECR) ContainerToken() string { return "container-" + f.opts.Account }

// ContainerPath is where the endpoint of container credentials is on the fake's host.
func (f *ECR) ContainerPath() string { return eksCredentials }

// serveContainerKeys answers as the agent of EKS, which wants its token as it is, and as that of ECS, which has its secret in
// the path. The errors are unverified.
func (f *ECR) serveContainerKeys(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	eks, known := r.URL.Path == eksCredentials, r.URL.Path == ecsCredentials+f.ContainerToken()
	switch {
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case eks && r.Header.Get("Authorization") != f.ContainerToken():
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "AccessDeniedException", "message": "service account token is not valid"})
		return
	case !eks && !known:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "InvalidIdInRequest", "message": "CredentialsV2Request: ID not found"})
		return
	}
	k := f.SessionKeys()
	answer := map[string]string{
		"AccessKeyId": k.AccessKeyID, "SecretAccessKey": k.SecretAccessKey, "Token": k.SessionToken,
		"Expiration": k.Expires.Format(time.RFC3339),
	}
	if !eks {
		answer["RoleArn"] = f.RoleARN()
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// sessionName is what STS takes as RoleSessionName.
var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

type stsKeys struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type stsAnswer struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
	Subject string   `xml:"AssumeRoleWithWebIdentityResult>SubjectFromWebIdentityToken"`
	ARN     string   `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>Arn"`
	Keys    stsKeys  `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	ID      string   `xml:"ResponseMetadata>RequestId"`
}

type stsError struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	ID      string   `xml:"RequestId"`
}

// serveSTS answers AssumeRoleWithWebIdentity, which is not signed
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html). GET and POST are alike.
func (f *ECR) serveSTS(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	if e := f.checkSTS(r); e != nil {
		w.WriteHeader(e.status)
		_ = xml.NewEncoder(w).Encode(stsError{Type: "Sender", Code: e.code, Message: e.message, ID: w.Header().Get("X-Amzn-Requestid")})
		return
	}
	k := f.SessionKeys()
	_ = xml.NewEncoder(w).Encode(stsAnswer{
		Subject: "repo:acme/app",
		ARN:     "arn:aws:sts::" + f.opts.Account + ":assumed-role/prune/" + r.FormValue("RoleSessionName"),
		Keys:    stsKeys{k.AccessKeyID, k.SecretAccessKey, k.SessionToken, k.Expires.Format(time.RFC3339)},
		ID:      w.Header().Get("X-Amzn-Requestid"),
	})
}

func (f *ECR) checkSTS(r *http.Request) *awsError {
	action, version := r.FormValue("Action"), r.FormValue("Version")
	switch {
	case action != "AssumeRoleWithWebIdentity" || version != "2011-06-15":
		return badRequest("InvalidAction", "Could not find operation %s for version %s", action, version)
	case f.isThrottled(action):
		return badRequest("Throttling", "Rate exceeded")
	case !sessionName.MatchString(r.FormValue("RoleSessionName")):
		return badRequest("ValidationError", "Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}")
	case r.FormValue("WebIdentityToken") == "" || r.FormValue("RoleArn") == "":
		return badRequest("MissingParameter", "The request must contain the parameters RoleArn and WebIdentityToken")
	case r.FormValue("WebIdentityToken") != f.WebIdentity():
		return badRequest("InvalidIdentityToken", "The web identity token that was passed could not be validated.")
	case r.FormValue("RoleArn") != f.RoleARN():
		return &awsError{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	return nil
}
