package ecr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// login is the login of docker, with which manifests are read. Where nobody has logged in, the AWS credentials are
// exchanged for one, which is good for twelve hours
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html).
type login struct {
	api    *api
	client *wire.Client
	host   string

	mu     sync.Mutex
	known  bool
	issued registry.Login
}

// after returns a source of logins that is asked after another one, which may be nil.
func (l *login) after(first func(string) (registry.Login, bool)) func(string) (registry.Login, bool) {
	return func(host string) (registry.Login, bool) {
		if first != nil {
			if found, ok := first(host); ok {
				return found, true
			}
		}
		return l.issued, host == l.host && l.issued != registry.Login{}
	}
}

// ensure gets a login where there is none.
func (l *login) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known {
		return nil
	}
	found, err := l.client.Login(ctx, l.host)
	if err == nil && found == (registry.Login{}) {
		l.issued, err = l.exchange(ctx)
	}
	l.known = err == nil
	return err
}

// exchange gets a login for the AWS credentials.
func (l *login) exchange(ctx context.Context) (registry.Login, error) {
	var answer struct {
		AuthorizationData []struct {
			AuthorizationToken string `json:"authorizationToken"`
		} `json:"authorizationData"`
	}
	err := l.api.do(ctx, call{action: "GetAuthorizationToken", in: struct{}{}, out: &answer})
	if errors.Is(err, registry.ErrForbidden) {
		return registry.Login{}, &failure{err, nil, "run docker login for " + l.host + ", or allow ecr:GetAuthorizationToken on the resource *"}
	}
	if err != nil {
		return registry.Login{}, err
	}
	if len(answer.AuthorizationData) > 0 {
		token := answer.AuthorizationData[0].AuthorizationToken
		l.api.client.Hidden(token)
		decoded, err := base64.StdEncoding.DecodeString(token)
		user, password, ok := strings.Cut(string(decoded), ":")
		if err == nil && ok {
			return registry.Login{Username: user, Password: registry.Secret(password)}, nil
		}
	}
	return registry.Login{}, fmt.Errorf("GetAuthorizationToken: %w: it has no token", errNotUnderstood)
}
