package vendors

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// exampleSecret is the secret key of AWS's published signature test suite.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// TestSigV4Vectors holds the verifier to signatures that others made: AWS's test suite (get-vanilla) and version 1.55.5 of
// AWS's SDK for Go.
func TestSigV4Vectors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, url, body string
		keys                    AWSKeys
		region, service         string
		header                  map[string]string
	}{
		{
			"get-vanilla", "GET", "https://example.amazonaws.com/", "",
			AWSKeys{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: exampleSecret},
			"us-east-1", "service",
			map[string]string{
				"X-Amz-Date": "20150830T123600Z",
				"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
					"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
			},
		},
		{
			"body, query and session token", "POST", "https://api.ecr.eu-west-1.amazonaws.com/?b=2&a=1%202", `{"repositoryName":"team/app"}`,
			AWSKeys{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: exampleSecret, SessionToken: "tok/en=="},
			"eu-west-1", "ecr",
			map[string]string{
				"X-Amz-Date": "20260830T123600Z", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Security-Token": "tok/en==",
				"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeImages",
				"Authorization": "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260830/eu-west-1/ecr/aws4_request, " +
					"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, " +
					"Signature=785ce9fcad088ebdc3d0c8b4dba716ce1b5054faf479f4f394043493b88f62c1",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), tc.method, tc.url, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range tc.header {
				r.Header.Set(name, value)
			}
			at, err := time.Parse(amzTime, tc.header["X-Amz-Date"])
			if err != nil {
				t.Fatal(err)
			}
			v := sigV4{
				tc.region, tc.service, func() time.Time { return at },
				func(id string) (AWSKeys, bool) { return tc.keys, id == tc.keys.AccessKeyID },
			}
			if err := v.verify(r, []byte(tc.body)); err != nil {
				t.Errorf("got %+v, want no error", *err)
			}
			if err := v.verify(r, []byte(tc.body+" ")); err == nil || err.code != "InvalidSignatureException" {
				t.Errorf("other body: got %+v, want a wrong signature", err)
			}
			r.Host = "other.example"
			if err := v.verify(r, []byte(tc.body)); err == nil || err.code != "InvalidSignatureException" {
				t.Errorf("other host: got %+v, want a wrong signature", err)
			}
		})
	}
}
