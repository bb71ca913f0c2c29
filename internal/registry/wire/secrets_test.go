package wire

import "testing"

// Each signature is another one: a thousand of them would be looked for in every text.
func TestSignaturesAreNotSecrets(t *testing.T) {
	t.Parallel()
	var s secrets
	s.addHeader("AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=00ff00ff")
	if len(s.forms) > 0 {
		t.Errorf("got %q", s.forms)
	}
	s.addHeader("Bearer 00ff00ff")
	if got := s.hide("token 00ff00ff"); got != "token "+hiddenText {
		t.Errorf("got %q", got)
	}
}
