package distribution

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDecodeStrict(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`:                           "",
		" \n{ \"manifests\" : [ ] }\t": "",
		`{"manifests":[],"other":1,"other":2,"Other":{"manifests":1,"manifests":2}}`:                                    "",
		`{"annotations":{"a":"1","A":"2","manifests":"3","Config":"4"}}`:                                                "",
		`{"config":{"digest":"d","platform":{"os":"linux","os.version":"1"}},"layers":[{"digest":"a"},{"digest":"b"}]}`: "",
		`null`:                                 "not a JSON object",
		``:                                     "not JSON",
		`[]`:                                   "not JSON",
		`"a"`:                                  "not JSON",
		`{"manifests":[],"manifests":[]}`:      `"manifests" twice`,
		`{"manifests":[],"Manifests":[]}`:      `"Manifests", which some clients read as "manifests"`,
		`{"MANIFESTS":[]}`:                     `"MANIFESTS", which some`,
		`{"manife\u0073ts":[],"manifests":[]}`: `"manifests" twice`,
		`{"manifest\u017f":[]}`:                `which some clients read as "manifests"`, // a long s is an s for Go
		`{"layers":[{"digest":"a"},{"digest":"b","digest":"c"}]}`: `"digest" twice`,
		`{"subject":{"digest":"a","Digest":"b"}}`:                 `"Digest", which some`,
		`{"config":null,"x":[[{"a":"\"}"}]],"config":null}`:       `"config" twice`,
		`{"annotations":{"a":"1","\u0061":"2"}}`:                  `"a" twice`,
		`{"manifests":[{"platform":{"os":"a","OS":"b"}}]}`:        `"OS", which some`,
	} {
		var doc document
		err := decodeStrict([]byte(body), &doc, documentShape)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

// FuzzUnambiguous holds the scanner to the ends of whatever is JSON.
func FuzzUnambiguous(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"digest":"a","annotations":{"b":"c"}}],"x":[1,-2e3,true,null,{"y":[]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return
		}
		s := scanner{body: body}
		s.value(documentShape)
		if strings.Trim(string(body[s.at:]), " \t\r\n") != "" {
			t.Errorf("%q: it ends at %d", body, s.at)
		}
	})
}
