package ecr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

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

	issued atomic.Pointer[registry.Login] // nil until AWS has given one

	mu    sync.Mutex
	known bool // that there is a login
}

// after returns a source of logins that is asked after another one, which may be nil.
func (l *login) after(first func(string) (registry.Login, bool)) func(string) (registry.Login, bool) {
	return func(host string) (registry.Login, bool) {
		if first != nil {
			if found, ok := first(host); ok {
				return found, true
			}
		}
		if issued := l.issued.Load(); issued != nil && host == l.host {
			return *issued, true
		}
		return registry.Login{}, false
	}
}

// ensure gets a login unless there is one already.
func (l *login) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known {
		return nil
	}
	found, err := l.client.Login(ctx, l.host)
	if err == nil && found == (registry.Login{}) {
		if found, err = l.exchange(ctx); err == nil {
			l.issued.Store(&found)
		}
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
	if errors.Is(err, registry.ErrForbidden) && !errors.Is(err, registry.ErrUnauthorized) {
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
