package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// fault changes answers of the registry on their way.
type fault struct {
	// methods, of which there may be several, and a suffix of the path, say which requests it is about.
	methods, suffix string
	edit            func(*http.Response) error
	// before is called when the nth such request has arrived; the request then goes on.
	before func(n int, r *http.Request)
	// answer takes the place of the registry.
	answer http.HandlerFunc
	seen   int
}

func (f *fault) matches(r *http.Request) bool {
	return slices.Contains(strings.Fields(f.methods), r.Method) && strings.HasSuffix(r.URL.Path, f.suffix)
}

// set makes a fault the one of the registry from now on.
func (s *stage) set(f *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func addFault(s *stage, _ *testscript.TestScript, args []string) error {
	f := &fault{methods: http.MethodGet, suffix: "/tags/list"}
	if len(args) > 1 {
		f.suffix = args[1]
	}
	header := func(key, value string) func(*http.Response) error {
		return func(r *http.Response) error { r.Header.Set(key, value); return nil }
	}
	switch args[0] {
	case "loop":
		f.edit = func(r *http.Response) error { return header("Link", "<"+r.Request.URL.Path+`?n=5>; rel="next"`)(r) }
	case "elsewhere":
		f.edit = header("Link", `<http://elsewhere.example/v2/x/tags/list>; rel="next"`)
	case "html":
		f.answer = answers(http.StatusOK, "text/html", "<html>sign in</html>")
	case "type":
		f.edit = header("Content-Type", "application/vnd.example.unheard-of+json")
	case "body":
		f.edit = func(r *http.Response) error {
			_ = r.Body.Close()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
			return header("Content-Length", "2")(r)
		}
	case "refuse":
		f.methods = http.MethodDelete
		f.answer = answers(http.StatusConflict, "application/json", `{"errors":[{"code":"DENIED","message":"immutable \u001b[31m\n::error::"}]}`)
	case "deny-push":
		f.methods, f.suffix = "POST PUT PATCH", ""
		f.answer = answers(http.StatusForbidden, "application/json", `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`)
	default:
		return fmt.Errorf("unknown fault %s", args[0])
	}
	s.set(f)
	return nil
}

// answers returns a handler that says the same to everybody.
func answers(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a client that has gone reads nothing
	}
}

// addSignal makes deletions wait for each other until there are n of them; then the process gets its signal, and they
// go on, as does every one after them.
func addSignal(s *stage, ts *testscript.TestScript, args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	file, signalled := ts.MkAbs(args[0]), make(chan struct{})
	s.set(&fault{methods: http.MethodDelete, before: func(arrived int, r *http.Request) {
		switch {
		case arrived == 1: // the first one goes alone, and shows that the registry deletes at all
		case arrived == n+1:
			defer close(signalled)
			text, err := os.ReadFile(file)
			if err != nil {
				return
			}
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		default:
			select {
			case <-signalled:
			case <-r.Context().Done():
			}
		}
	}})
	return nil
}

// addTag points a new tag at an image when the repository is listed for the second time.
func addTag(s *stage, _ *testscript.TestScript, args []string) error {
	d, err := s.digest(args[0], args[1])
	p := s.pusher(args[0])
	s.set(&fault{methods: http.MethodGet, suffix: "/tags/list", before: func(n int, _ *http.Request) {
		if n == 2 {
			_ = p.Tag(context.Background(), d, args[2]) // the script sees whether it is there
		}
	}})
	return err
}
