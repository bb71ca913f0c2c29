package wire

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestGranted(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for name, c := range map[string]struct {
		token string
		want  []string
		known bool
	}{
		"it grants":          {jwt(`{"access":[{"type":"repository","name":"team/app","actions":["pull","delete"]}]}`), []string{"pull", "delete"}, true},
		"with capitals":      {jwt(`{"access":[{"Type":"repository","Name":"team/app","Actions":["*"]}]}`), []string{"*"}, true},
		"with padding":       {"e30." + base64.URLEncoding.EncodeToString([]byte(`{"access":[] }`)) + ".x", nil, true},
		"another repository": {jwt(`{"access":[{"type":"repository","name":"team/other","actions":["delete"]}]}`), nil, true},
		"another type":       {jwt(`{"access":[{"type":"registry","name":"team/app","actions":["delete"]}]}`), nil, true},
		"nothing":            {jwt(`{"access":[]}`), nil, true},
		"no access claim":    {jwt(`{"sub":"ci"}`), nil, false},
		"null":               {jwt(`{"access":null}`), nil, false},
		"another shape":      {jwt(`{"access":"all"}`), nil, false},
		"not JSON":           {jwt(`<html>`), nil, false},
		"not base64":         {"a.%.c", nil, false},
		"a text of its own":  {"djE6dGVhbS9hcHA6MTc2NDI0", nil, false},
		"empty":              {"", nil, false},
	} {
		if got, known := granted(c.token, "team/app"); !slices.Equal(got, c.want) || known != c.known {
			t.Errorf("%s: got %v, %t", name, got, known)
		}
	}
}

// A configuration file names the credential helper of a host, by docker's own name for it.
func TestOrigin(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	const by = " by the credential helper docker-credential-"
	for text, want := range map[string]map[string]string{
		`{"auths":{"h.example":{"auth":"Y2k6eA=="}}}`: {"h.example": file},
		`{"credHelpers":{"h.example":"ecr-login","https://index.docker.io/v1/":"pass"},"credsStore":"desktop"}`: {
			"h.example": file + by + "ecr-login", "registry-1.docker.io": file + by + "pass", "other.example": file + by + "desktop",
		},
		`{`: {"h.example": file},
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for host, want := range want {
			if got := (origin{file: file}).of(host); got != want {
				t.Errorf("%s in %s: got %q, want %q", host, text, got, want)
			}
		}
	}
	if got := (origin{text: "--username"}).of("h.example"); got != "--username" {
		t.Errorf("got %q", got)
	}
}
