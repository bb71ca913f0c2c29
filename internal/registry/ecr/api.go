package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	// service is what requests are signed for.
	service = "ecr"
	// target is the API's name in the JSON protocol, followed by the action.
	target = "AmazonEC2ContainerRegistry_V20150921."
	// maxAnswer bounds an answer. A page has up to 1000 images, each with its tags.
	maxAnswer = 64 << 20
)

// api calls ECR's own API.
type api struct {
	place  place
	client *wire.Client
	wallet *wallet
	signer *v4.Signer
	now    func() time.Time
}

// newAPI returns an API that is called with the keys of a source. It sends nothing yet.
func newAPI(p place, s *source, o registry.Options) (*api, error) {
	a := &api{place: p, signer: v4.NewSigner(), now: o.Now}
	var err error
	a.client, err = wire.NewAPI(p.api, o, wire.API{Authorize: a.sign, Explain: explainJSON, Limited: limited(explainJSON)})
	if err != nil {
		return nil, err
	}
	a.wallet = &wallet{source: *s, now: o.Now, hidden: a.client}
	return a, nil
}

// sign signs a request with the keys of now: requests that change something do not have the context of the call.
func (a *api) sign(req *http.Request, body []byte) error {
	k := a.wallet.current()
	sum := sha256.Sum256(body)
	c := aws.Credentials{AccessKeyID: k.id, SecretAccessKey: string(k.secret), SessionToken: string(k.session)}
	return a.signer.SignHTTP(req.Context(), c, req, hex.EncodeToString(sum[:]), service, a.place.region, a.now())
}

// call is one call of an action.
type call struct {
	action  string
	changes bool
	in, out any
}

// do makes a call. Keys that have expired are renewed once where their source has new ones.
func (a *api) do(ctx context.Context, c call) error {
	body, err := json.Marshal(c.in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.action, err)
	}
	for renewed := false; ; renewed = true {
		k, err := a.wallet.keys(ctx)
		if err != nil {
			return &failure{err, nil, a.wallet.renew}
		}
		reply, err := a.client.Do(ctx, wire.Call{
			Method: http.MethodPost, URL: "/", Query: !c.changes, Limit: maxAnswer, Body: body,
			ContentType: "application/x-amz-json-1.1", Header: http.Header{"X-Amz-Target": {target + c.action}},
		})
		if expired(err) && !renewed && a.wallet.refused(k) {
			continue
		}
		if err != nil {
			return explained(c.action, a.wallet.renew, err)
		}
		if err := json.Unmarshal(reply.Body, c.out); err != nil {
			return fmt.Errorf("%s: %w: %w", c.action, errNotUnderstood, err)
		}
		return nil
	}
}

// errNotUnderstood is returned for a success whose body is not the API's.
var errNotUnderstood = &registry.Kind{
	Text:   "the answer of ECR's API is not understood",
	Advice: "a proxy between this machine and AWS may answer in its place: let requests to the host api.ecr.REGION.amazonaws.com pass there",
}
