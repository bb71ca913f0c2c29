package bare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// ManifestTypes is what a client accepts that knows every kind of manifest.
var ManifestTypes = strings.Join([]string{fixture.DockerManifest, fixture.DockerList, fixture.OCIManifest, fixture.OCIIndex}, ", ")

// newClient returns a client that keeps a connection for each worker. Without that most of a bare loop's time would be
// spent on connections, and it would be no measure for anybody.
func newClient(workers int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
}

// Request is what [Send] sends.
type Request struct {
	Method, URL string
	Accept      string // "" sends none
	ContentType string // of the body
	Body        []byte
}

// Send sends a request and reads the answer; any answer that is not a success is an error.
func Send(ctx context.Context, client *http.Client, r Request) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, nil, err
	}
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("%s %s: status %d: %.200s", r.Method, r.URL, resp.StatusCode, body)
	}
	return resp.Header, body, nil
}

// List returns the tags of the repository at base, such as "http://127.0.0.1:5000/v2/team/app", in the order of the
// listing.
func List(ctx context.Context, client *http.Client, base string) ([]string, error) {
	var tags []string
	for url := base + "/tags/list"; url != ""; {
		header, body, err := Send(ctx, client, Request{Method: http.MethodGet, URL: url})
		if err != nil {
			return nil, err
		}
		var page struct{ Tags []string }
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		tags = append(tags, page.Tags...)
		if url, err = next(url, header.Get("Link")); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// next returns the address of the page after that at url, "" when it is the last: <address>; rel="next".
func next(url, link string) (string, error) {
	address, _, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok {
		return "", nil
	}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	u, err := req.URL.Parse(address)
	if err != nil {
		return "", fmt.Errorf("link to the next page: %w", err)
	}
	return u.String(), nil
}

// remove deletes a manifest by tag or by digest.
func remove(ctx context.Context, client *http.Client, base, ref string) error {
	_, _, err := Send(ctx, client, Request{Method: http.MethodDelete, URL: base + "/manifests/" + ref})
	return err
}
