package report

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"
)

// The escapes that keep a terminal from acting must not change what a program reads.
func TestJSONKeepsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", "\u202e\u0085\x7f", "\U000E0041 \U0001F600", "###[x] ##vso[y]", `\u0041 "q" <>&`, "a\nb\x00c"} {
		s := summary()
		s.Policy = text
		var b bytes.Buffer
		if err := WriteJSON(&b, s); err != nil {
			t.Fatal(err)
		}
		var got struct{ Policy string }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v in %s", text, err, b.Bytes())
		}
		if got.Policy != text {
			t.Errorf("got %q, want %q", got.Policy, text)
		}
		if bytes.ContainsFunc(b.Bytes(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || bytes.Contains(b.Bytes(), []byte("##")) {
			t.Errorf("%q: control characters or a command in %s", text, b.Bytes())
		}
	}
}

// A consumer may iterate over every list without asking whether it is there.
func TestJSONHasNoNullLists(t *testing.T) {
	t.Parallel()
	for name, s := range cases() {
		var b bytes.Buffer
		if err := WriteJSON(&b, s); err != nil {
			t.Fatal(err)
		}
		var report any
		if err := json.Unmarshal(b.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		nullable := map[string]bool{"gc": true, "error": true, "created": true, "pushed": true, "outcome": true, "hint": true}
		var walk func(key string, v any)
		walk = func(key string, v any) {
			switch v := v.(type) {
			case nil:
				if !nullable[key] {
					t.Errorf("%s: %s is null", name, key)
				}
			case []any:
				for _, e := range v {
					walk(key, e)
				}
			case map[string]any:
				for k, e := range v {
					walk(k, e)
				}
			}
		}
		walk("", report)
	}
}
