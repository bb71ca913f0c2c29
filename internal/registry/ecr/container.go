package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// ecsAgent is where ECS and CodeBuild hand out keys under a path that they tell; podAgent are EKS Pod Identity's addresses
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
const ecsAgent = "169.254.170.2"

var podAgent = []string{"169.254.170.23", "fd00:ec2::23"}

// container finds the endpoint of keys of a container in ECS, CodeBuild or EKS.
func container(_ place, o registry.Options) (*source, error) {
	address := o.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if path := o.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		address = "http://" + ecsAgent + path
	}
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI makes no URL")
	}
	if !mayAsk(u) {
		return nil, &failure{
			error: fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI names %s://%s, which is not asked for credentials", u.Scheme, u.Host),
			hint:  "it must be https, or http on loopback, " + ecsAgent + ", 169.254.170.23 or [fd00:ec2::23]",
		}
	}
	c := &agent{url: u.String(), host: u.Host, token: o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"), file: o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")}
	if o.Transport == nil && u.Scheme == "http" { // a proxy must not see the keys
		direct, err := wire.NewTransport(u.Host, registry.TLS{}, 1)
		if err != nil {
			return nil, err
		}
		direct.Proxy = nil
		o.Transport = direct
	}
	c.client, err = wire.NewAPI(u.Host, o, wire.API{Explain: explainJSON, Limited: limited(explainJSON)})
	if err != nil {
		return nil, err
	}
	return &source{
		name:  "the container's endpoint " + u.Host,
		renew: "check the role of the task, the build or the pod, and AWS_CONTAINER_AUTHORIZATION_TOKEN",
		fetch: c.fetch,
	}, nil
}

// mayAsk reports whether an address may be asked for keys: the answer, and the token of the request, travel openly over
// http, and the variable may come from elsewhere.
func mayAsk(u *url.URL) bool {
	host := u.Hostname()
	if u.User != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	if u.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return wire.Loopback(host) || host == ecsAgent || err == nil && slices.Contains(podAgent, ip.String())
}

// agent hands out keys to the container that it looks after.
type agent struct {
	client      *wire.Client
	url, host   string
	token, file string
}

// authorization is the token that the agent wants, as it is. The file has a new one from time to time.
func (a *agent) authorization() (string, error) {
	token := a.token
	if a.file != "" {
		content, err := os.ReadFile(a.file)
		if err != nil {
			return "", withHint(err, "it is named by AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
		}
		token = string(content)
	}
	return strings.TrimSpace(token), nil
}

// fetch asks for keys.
func (a *agent) fetch(ctx context.Context) (keys, error) {
	token, err := a.authorization()
	if err != nil {
		return keys{}, err
	}
	a.client.Hidden(token)
	call := wire.Call{Method: http.MethodGet, URL: a.url, Limit: maxKeys}
	if token != "" {
		call.Header = http.Header{"Authorization": {token}}
	}
	reply, err := a.client.Do(ctx, call)
	if err != nil {
		return keys{}, withKind(err, registry.ErrUnauthorized)
	}
	var answer struct{ AccessKeyID, SecretAccessKey, Token, Expiration string }
	if err := json.Unmarshal(reply.Body, &answer); err != nil {
		return keys{}, fmt.Errorf("the answer of %s is not understood: %w", a.host, err)
	}
	return issued(answer.AccessKeyID, answer.SecretAccessKey, answer.Token, answer.Expiration)
}
