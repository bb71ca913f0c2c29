package vendors

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// awsJSON is the content type of the API's protocol.
const awsJSON = "application/x-amz-json-1.1"

// The targets of the private and the public API.
const (
	ecrTarget       = "AmazonEC2ContainerRegistry_V20150921."
	ecrPublicTarget = "SpencerFrontendService."
)

// ecrID names an image in a call.
type ecrID struct {
	ImageDigest string `json:"imageDigest,omitempty"`
	ImageTag    string `json:"imageTag,omitempty"`
}

// ecrRequest has the members of all calls that the fake knows.
type ecrRequest struct {
	RegistryID      string  `json:"registryId"`
	RepositoryName  *string `json:"repositoryName"`
	RepositoryNames []string
	ImageIDs        []ecrID `json:"imageIds"`
	MaxResults      *int
	NextToken       string
	Filter          *struct{ TagStatus, ImageStatus, ArtifactStatus string }
	SubjectID       *ecrID `json:"subjectId"`
}

// ecrCall is a call in progress.
type ecrCall struct {
	ecrRequest
	action string
	name   string // the repository's name in the API
	path   string // and below /v2/
}

func awsFail(w http.ResponseWriter, e *awsError) {
	answerAWS(w, e.status, map[string]string{"__type": e.code, "message": e.message})
}

func answerAWS(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fake's own values always encode
	}
	w.Header().Set("Content-Type", awsJSON)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// invalid is the API's answer to a value outside its bounds.
func invalid(name, constraint string) *awsError {
	return badRequest("InvalidParameterException", "Invalid parameter at '%s' failed to satisfy constraint: '%s'", name, constraint)
}

// serveAPI verifies the signature and answers one call of the JSON protocol.
func (f *ECR) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	c, e := f.admit(r, body)
	var answer any
	if e == nil {
		answer, e = f.call(c)
	}
	if e != nil {
		if c.action == "BatchDeleteImage" {
			f.refuseAll(c, e)
		}
		awsFail(w, e)
		return
	}
	answerAWS(w, http.StatusOK, answer)
}

// refuseAll writes a call that was refused into the books, once for each image.
func (f *ECR) refuseAll(c ecrCall, e *awsError) {
	if len(c.ImageIDs) == 0 {
		f.addRefusal(Refusal{Path: c.path, Status: e.status, Code: e.code})
	}
	for _, id := range c.ImageIDs {
		f.addRefusal(refusalOf(c.path, cmp.Or(id.ImageDigest, id.ImageTag), e.status, e.code))
	}
}

// admit checks who calls and what, in the order of the service: signature, target, limits, rights. The order of the last
// three is unverified.
func (f *ECR) admit(r *http.Request, body []byte) (c ecrCall, e *awsError) {
	prefix, service := ecrTarget, "ecr"
	if f.opts.Alias != "" {
		prefix, service = ecrPublicTarget, "ecr-public"
	}
	action, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), prefix)
	c.action = action
	decoded := json.Unmarshal(body, &c.ecrRequest)
	if c.RepositoryName != nil {
		c.name = *c.RepositoryName
		c.path = f.path(c.name)
	}
	v := sigV4{f.opts.Region, service, f.opts.Now, func(id string) (AWSKeys, bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		k, ok := f.keys[id]
		return k, ok
	}}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != awsJSON || !known {
		return c, badRequest("UnknownOperationException", "")
	}
	if e := v.verify(r, body); e != nil {
		return c, e
	}
	if decoded != nil {
		return c, badRequest("SerializationException", "the body is not the call's JSON")
	}
	if f.isThrottled(action) {
		return c, badRequest("ThrottlingException", "Rate exceeded")
	}
	if message, denied := f.denied(action, c.name); denied {
		return c, badRequest("AccessDeniedException", "%s", message)
	}
	if c.RegistryID != "" && c.RegistryID != f.opts.Account {
		return c, badRequest("RepositoryNotFoundException", "%s", f.unknown(c.name, c.RegistryID))
	}
	return c, nil
}

func (f *ECR) isThrottled(action string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.throttled[action] == 0 {
		return false
	}
	f.throttled[action]--
	return true
}

func (f *ECR) unknown(name, registry string) string {
	return fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", name, registry)
}

func (f *ECR) call(c ecrCall) (any, *awsError) {
	switch c.action {
	case "GetAuthorizationToken":
		return f.authorizationToken(), nil
	case "DescribeImages", "BatchDeleteImage", "BatchGetImage", "ListImageReferrers":
	default:
		return nil, badRequest("UnknownOperationException", "")
	}
	if f.opts.Alias != "" && (c.action == "BatchGetImage" || c.action == "ListImageReferrers") {
		return nil, badRequest("UnknownOperationException", "") // the public API does not have them
	}
	if c.RepositoryName == nil {
		return nil, invalid("repositoryName", "Member must not be null")
	}
	if !hasRepository(f.Registry, c.path) {
		return nil, badRequest("RepositoryNotFoundException", "%s", f.unknown(c.name, f.opts.Account))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch c.action {
	case "DescribeImages":
		return f.describeImages(c)
	case "BatchGetImage":
		return f.getImages(c)
	case "ListImageReferrers":
		return f.listReferrers(c)
	}
	return f.deleteImages(c)
}

func (f *ECR) authorizationToken() any {
	data := map[string]any{
		"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:" + f.Password())),
		"expiresAt":          awsTime(f.opts.Now().Add(loginLife)),
	}
	if f.opts.Alias != "" { // one object, and no endpoint
		return map[string]any{"authorizationData": data}
	}
	data["proxyEndpoint"] = "https://" + f.RegistryHost()
	return map[string]any{"authorizationData": []any{data}}
}

// awsTime is a time as the protocol has it: seconds, in the notation of a floating point number such as 1.7006E9.
func awsTime(t time.Time) json.Number {
	return json.Number(strings.Replace(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'E', -1, 64), "E+09", "E9", 1))
}
