package main

import (
	"strings"
	"testing"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	head := func(line string) string { return line + " HTTP/1.1\r\nHost: r\r\n\r\n" }
	for _, tc := range []struct {
		name, sent string
		want       tally
		lost       bool
	}{
		{"each kind", strings.Join([]string{
			head("GET /v2/team/app/tags/list"), head("GET /v2/team/app/tags/list?n=1000&last=b"),
			head("HEAD /v2/team/app/manifests/b1"), head("GET /v2/team/app/manifests/" + digest), head("GET /v2/team/app/blobs/" + digest),
			head("DELETE /v2/team/app/manifests/b1"), head("DELETE /v2/team/app/manifests/" + digest),
			head("POST /v2/team/app/blobs/uploads/"), head("GET /v2/"), head("HEAD /v2/team/app/blobs/" + digest),
		}, ""), tally{2, 1, 1, 1, 1, 1, 1, 2}, false},
		{"a body that looks like a request", "PUT /v2/team/app/manifests/b1 HTTP/1.1\r\nHost: r\r\nContent-Length: 39\r\n\r\n" +
			"GET /v2/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n" + head("GET /v2/"), tally{pushed: 1, otherRequest: 1}, false},
		{"no HTTP", "hello\r\n\r\n" + head("GET /v2/"), tally{}, true},
		{"a body of unknown length", "PUT /v2/team/app/manifests/b1 HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", tally{}, true},
	} {
		for _, size := range []int{1, 7, len(tc.sent)} { // of what a connection brings at once
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				var c counter
				w := c.tap()
				for rest := tc.sent; rest != ""; {
					n := min(size, len(rest))
					if _, err := w.Write([]byte(rest[:n])); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				got, err := c.take()
				if got != tc.want || (err != nil) != tc.lost {
					t.Errorf("got %v and %v, want %v", got, err, tc.want)
				}
				if again, err := c.take(); again != (tally{}) || err != nil {
					t.Errorf("taken twice: got %v and %v", again, err)
				}
			})
		}
	}
}
