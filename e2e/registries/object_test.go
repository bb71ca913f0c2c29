package registries

import (
	"fmt"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// A page of the object storage that ends in the middle of a prefix does not list it again, however short the pages are.
func TestObjectsListEachPrefixOnce(t *testing.T) {
	t.Parallel()
	store := wholePrefixes{s3mem.New()}
	if err := store.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	const tags = 7
	for i := range tags {
		for _, file := range []string{"current/link", "index/link"} {
			key := fmt.Sprintf("tags/b%d/%s", i, file)
			if _, err := store.PutObject(bucket, key, nil, strings.NewReader("x"), 1, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for size := range int64(tags + 1) {
		var got []string
		for page := (gofakes3.ListBucketPage{MaxKeys: size + 1}); ; {
			list, err := store.ListBucket(bucket, &gofakes3.Prefix{HasPrefix: true, Prefix: "tags/", HasDelimiter: true, Delimiter: "/"}, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list.CommonPrefixes {
				got = append(got, p.Prefix)
			}
			if page.Marker, page.HasMarker = list.NextMarker, true; !list.IsTruncated {
				break
			}
		}
		if all := strings.Join(got, " "); all != "tags/b0/ tags/b1/ tags/b2/ tags/b3/ tags/b4/ tags/b5/ tags/b6/" {
			t.Errorf("in pages of %d: got %s", size+1, all)
		}
	}
}
