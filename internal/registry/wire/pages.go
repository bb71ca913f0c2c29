package wire

import (
	"context"
	"fmt"
	"net/http"
)

const (
	// maxListPage bounds one page of a listing: distribution 2.x sends all tags in one, each at most 128 bytes long.
	maxListPage = 64 << 20
	// maxIdlePages is how many pages in a row may bring nothing new before the listing counts as a loop. Distribution
	// 3.1 ends an exact multiple of the page size with one empty page.
	maxIdlePages = 8
	// maxListed is how many names a listing may have. It is five times the images that ECR lets a repository have
	// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html, 100,000), and takes about 100 MB.
	maxListed = 500_000
)

// List follows a paged listing to its end, by Link headers alone (OCI distribution-spec v1.1, "Listing Tags"):
// distribution 2.x ignores n and last, and a client that makes them up never ends. A page that was already read, a
// host or path other than that of the first page, a listing that brings nothing new and one of more than maxListed names
// are errors, never the end: a list that is not whole hides images that others depend on. k is the read of the first
// page; its method and limit are set here.
func (c *Client) List(ctx context.Context, k Call, items func([]byte) ([]string, error)) ([]string, error) {
	first := k.URL
	k.Method, k.Limit = http.MethodGet, maxListPage
	var all []string
	known, pages := map[string]bool{}, map[string]bool{}
	idle := 0
	for next := first; next != ""; {
		if pages[next] {
			return nil, incomplete(fmt.Errorf("list %s: page %s comes again, the listing has no end", first, next))
		}
		pages[next] = true
		k.URL = next
		r, err := c.Do(ctx, k)
		if err != nil {
			return nil, err
		}
		page, err := items(r.Body)
		if err != nil {
			return nil, incomplete(fmt.Errorf("GET %s: the answer is not a list: %w", Redact(r.URL), err))
		}
		idle++
		for _, item := range page {
			if !known[item] {
				known[item], idle = true, 0
				all = append(all, item)
			}
		}
		if len(all) > maxListed {
			return nil, incomplete(fmt.Errorf("list %s: it has more than %d names", first, maxListed))
		}
		if idle > maxIdlePages {
			return nil, incomplete(fmt.Errorf("list %s: %d pages in a row bring nothing new, the listing has no end", first, idle))
		}
		if next, err = nextPage(r.URL, r.Header, true); err != nil {
			return nil, incomplete(fmt.Errorf("list %s: %w", first, err))
		}
	}
	return all, nil
}
