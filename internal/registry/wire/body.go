package wire

import (
	"errors"
	"io"
	"net/http"
	"slices"
)

// maxHint bounds how much room is made for a body because its length was announced: nobody has sent it yet.
const maxHint = 64 << 10

// readBody reads an answer, one byte beyond the limit at most. It makes room for the length that was announced:
// [io.ReadAll] grows from 512 bytes on, and allocates four times the size of a config of eight kilobytes.
func readBody(k Call, resp *http.Response) ([]byte, error) {
	if k.Method == http.MethodHead {
		return nil, nil
	}
	from := io.LimitReader(resp.Body, k.Limit+1)
	room := int64(512)
	if n := resp.ContentLength; n >= 0 {
		room = min(n, k.Limit, maxHint) + 1 // the end of the body is read too
	}
	body := make([]byte, 0, room)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		case len(body) == cap(body):
			body = slices.Grow(body, len(body))
		}
	}
}
