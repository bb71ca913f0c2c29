package ecr

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// webIdentity finds a token of the CI system's or cluster's identity provider, which the Security Token Service takes for
// keys of a role (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
func webIdentity(p place, o registry.Options) (*source, error) {
	file, role := o.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), o.Getenv("AWS_ROLE_ARN")
	if file == "" || role == "" {
		return nil, nil
	}
	client, err := wire.NewAPI(p.sts, o, wire.API{Explain: explainXML, Limited: limited(explainXML)})
	if err != nil {
		return nil, err
	}
	s := &sts{client: client, host: p.sts, file: file, role: role, session: cmp.Or(o.Getenv("AWS_ROLE_SESSION_NAME"), "regsweep")}
	return &source{
		name:  "the web identity token in " + file,
		renew: "let the CI system write a new token into AWS_WEB_IDENTITY_TOKEN_FILE, and allow the identity sts:AssumeRoleWithWebIdentity in the trust policy of AWS_ROLE_ARN",
		fetch: s.assume,
	}, nil
}

// sts asks the Security Token Service for keys.
type sts struct {
	client                    *wire.Client
	host, file, role, session string
}

// assume reads the token and exchanges it. The file is read each time, because tokens end within the hour.
func (s *sts) assume(ctx context.Context) (keys, error) {
	content, err := os.ReadFile(s.file)
	if err != nil {
		return keys{}, withHint(err, "write the identity token of the job into this file, or unset AWS_WEB_IDENTITY_TOKEN_FILE")
	}
	token := strings.TrimSpace(string(content))
	s.client.Hidden(token)
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {s.role}, "RoleSessionName": {s.session},
		"WebIdentityToken": {token},
	}
	reply, err := s.client.Do(ctx, wire.Call{
		Method: http.MethodPost, URL: "/", Query: true, Limit: maxKeys,
		ContentType: "application/x-www-form-urlencoded", Body: []byte(form.Encode()),
	})
	if err != nil {
		return keys{}, withKind(err, registry.ErrUnauthorized)
	}
	var answer struct {
		Keys struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string
			Expiration      string
		} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err := xml.Unmarshal(reply.Body, &answer); err != nil {
		return keys{}, fmt.Errorf("AssumeRoleWithWebIdentity: the answer of %s is not understood: %w", s.host, err)
	}
	a := answer.Keys
	return issued(a.AccessKeyID, a.SecretAccessKey, a.SessionToken, a.Expiration)
}

// maxKeys bounds an answer with keys.
const maxKeys = 1 << 20

// issued puts keys together that a service has handed out.
func issued(id, secret, session, expires string) (keys, error) {
	k := keys{id: id, secret: registry.Secret(secret), session: registry.Secret(session)}
	if id == "" || secret == "" {
		return keys{}, errors.New("the answer has no keys")
	}
	if expires != "" {
		var err error
		if k.expires, err = time.Parse(time.RFC3339, expires); err != nil {
			return keys{}, fmt.Errorf("the answer's keys end at an unknown time: %w", err)
		}
	}
	return k, nil
}

// explainXML reads an error of the Security Token Service.
func explainXML(_ http.Header, body []byte) (code, message string) {
	var e struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return e.Code, e.Message
}
