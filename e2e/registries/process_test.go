package registries

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// An S3 server can get the address that was chosen for its registry, and answers in its place.
func TestAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	binary, err := dockerRegistry()
	if err != nil && os.Getenv("REGSWEEP_CI") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: t.TempDir(), URL: other.URL, Host: strings.TrimPrefix(other.URL, "http://")}
	if err := s.distribution(binary, Options{}, ""); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want an address that is in use", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
