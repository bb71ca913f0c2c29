package ecr

import (
	"errors"
	"net/url"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
)

// All interfaces follow from the registry's own host.
func TestPlaces(t *testing.T) {
	t.Parallel()
	env := func(name string) string { return map[string]string{"AWS_DEFAULT_REGION": "eu-west-3"}[name] }
	for host, want := range map[string]place{
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com":                {"123456789012", "eu-west-1", "api.ecr.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"},
		"123456789012.DKR.ecr.us-gov-west-1.amazonaws.com":            {"123456789012", "us-gov-west-1", "api.ecr.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"},
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com":           {"123456789012", "us-east-1", "ecr-fips.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com"},
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":            {"123456789012", "cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu":            {"123456789012", "eusc-de-east-1", "api.ecr.eusc-de-east-1.amazonaws.eu", "sts.eusc-de-east-1.amazonaws.eu"},
		"123456789012.dkr-ecr.eu-west-1.on.aws":                       {"123456789012", "eu-west-1", "ecr.eu-west-1.api.aws", "sts.eu-west-1.amazonaws.com"},
		"123456789012.dkr-ecr-fips.us-east-1.on.aws":                  {"123456789012", "us-east-1", "ecr-fips.us-east-1.api.aws", "sts.us-east-1.amazonaws.com"},
		"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": {"123456789012", "cn-north-1", "ecr.cn-north-1.api.amazonwebservices.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
		"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov":               {"123456789012", "us-iso-east-1", "api.ecr.us-iso-east-1.c2s.ic.gov", "sts.us-iso-east-1.c2s.ic.gov"},
		"localhost:4566": {"", "eu-west-3", "localhost:4566", "localhost:4566"},
		"[::1]:4566":     {"", "eu-west-3", "[::1]:4566", "[::1]:4566"},
		"123456789012.dkr-ecr.eu-west-1.amazonaws.com":             {},
		"12345678901.dkr.ecr.eu-west-1.amazonaws.com":              {},
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com": {},
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com:443":         {},
		"123456789012.dkr.ecr.evil.example.com/x.amazonaws.com":    {},
		"registry.example.com":                                     {},
		"public.ecr.aws":                                           {},
	} {
		got, err := placeOf(host, env)
		if got != want || errors.Is(err, errNoHost) != (want == place{}) {
			t.Errorf("%s: got %+v, %v; want %+v", host, got, err, want)
		}
	}
	if _, err := placeOf("127.0.0.1:4566", func(string) string { return "" }); !errors.Is(err, errNoRegion) {
		t.Errorf("without a region: %v", err)
	}
}

// Keys travel openly over http, and a variable can come from elsewhere.
func TestContainerAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://keys.example.com/v1":         true,
		"http://169.254.170.2/v2/credentials": true,
		"http://169.254.170.23/v1":            true,
		"http://[fd00:ec2::23]/v1":            true,
		"http://127.0.0.1:8080/v1":            true,
		"http://[::1]/v1":                     true,
		"http://localhost/v1":                 true,
		"http://keys.example.com/v1":          false,
		"http://169.254.169.254/latest":       false,
		"http://169.254.170.2.example.com/":   false,
		"http://user@169.254.170.2/v2":        false,
		"http://localhost.example.com/v1":     false,
		"ftp://127.0.0.1/v1":                  false,
		"file:///etc/passwd":                  false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := mayAsk(u); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
}

// A relative address leads to the agent of ECS, and nowhere else.
func TestRelativeAddress(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v2/credentials/1":  "the container's endpoint " + ecsAgent,
		"@keys.example.com/": "",
		".example.com/":      "",
		":80:80/":            "",
	} {
		o := registry.Options{Getenv: func(name string) string {
			return map[string]string{
				"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://keys.example.com/",
			}[name]
		}}
		s, err := container(place{}, o)
		if (err == nil) != (want != "") || s != nil && s.name != want {
			t.Errorf("%q: got %+v, %v", path, s, err)
		}
	}
}
