package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// pusher pushes to a registry and reads from it, past all faults, as another pipeline would.
type pusher struct {
	at   func() string // the registry's address now
	name string
}

func (p pusher) do(method, path, contentType string, body []byte) (int, []byte, http.Header, error) {
	to := path
	if base := p.at(); path != "" && path[0] == '/' {
		to = base + path
	}
	req, err := http.NewRequest(method, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept", typeOCIImage+", "+typeOCIIndex+", "+typeDockerImage+", "+typeDockerIndex)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, resp.Header, err
}

// blob uploads a blob.
func (p pusher) blob(digest string, body []byte) error {
	status, _, header, err := p.do("POST", "/v2/"+p.name+"/blobs/uploads/", "", nil)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("begin upload: %d %w", status, err)
	}
	base, err := url.Parse(p.at())
	if err != nil {
		return err
	}
	to, err := base.Parse(header.Get("Location"))
	if err != nil {
		return err
	}
	query := to.Query()
	query.Set("digest", digest)
	to.RawQuery = query.Encode()
	status, text, _, err := p.do("PUT", to.String(), "application/octet-stream", body)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("upload: %d %s %w", status, text, err)
	}
	return nil
}

// manifest pushes a manifest under a reference, with its blobs, and says how the registry answered.
func (p pusher) manifest(c content, ref string) (int, error) {
	for d, body := range c.blobs {
		if err := p.blob(d, body); err != nil {
			return 0, err
		}
	}
	status, _, _, err := p.do("PUT", "/v2/"+p.name+"/manifests/"+ref, c.mediaType, c.body)
	return status, err
}

// has reports whether a manifest is there.
func (p pusher) has(digest string) bool {
	status, _, _, err := p.do("GET", "/v2/"+p.name+"/manifests/"+digest, "", nil)
	return err == nil && status == http.StatusOK
}

// target returns what a tag points at, "" when the registry does not say.
func (p pusher) target(tag string) string {
	status, _, header, err := p.do("HEAD", "/v2/"+p.name+"/manifests/"+tag, "", nil)
	if err != nil || status != http.StatusOK {
		return ""
	}
	return header.Get("Docker-Content-Digest")
}

// tags lists the tags as the registry does.
func (p pusher) tags() ([]byte, error) {
	status, text, _, err := p.do("GET", "/v2/"+p.name+"/tags/list?n=1000", "", nil)
	if err == nil && status != http.StatusOK && status != http.StatusNotFound {
		err = fmt.Errorf("list tags: %d %s", status, text)
	}
	return text, err
}
