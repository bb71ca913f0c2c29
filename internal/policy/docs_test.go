package policy

import (
	"errors"
	"os"
	"testing"

	"github.com/regsweep/regsweep/internal/doctest"
)

// TestPolicyDocs reads every policy file on the pages. One that is followed by a block of text is wrong, and
// the text is what regsweep says of it.
func TestPolicyDocs(t *testing.T) {
	t.Parallel()
	all, err := doctest.Find(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	examples, wrong, messages := 0, 0, 0
	for i, b := range all {
		if b.Kind == doctest.Message {
			messages++
		}
		if b.Kind != doctest.Policy {
			continue
		}
		examples++
		want := ""
		if i+1 < len(all) && all[i+1].Kind == doctest.Message && all[i+1].Page == b.Page {
			want = all[i+1].Text
			wrong++
		}
		file, err := parseFile("regsweep.yml", []byte(b.Text))
		for _, entry := range file.Policies {
			if _, invalid := entry.Policy(); err == nil && invalid != nil {
				err = &FileError{file: "regsweep.yml", position: entry.at, err: invalid}
			}
		}
		var got string
		var e *FileError
		if errors.As(err, &e) {
			got = "regsweep: " + e.Error() + "\n"
			if h := e.Hint(); h != "" {
				got += "regsweep: hint: " + h + "\n"
			}
		}
		if got != want {
			t.Errorf("%s: got\n%s\nthe page says\n%s", b, got, want)
		}
	}
	if examples < 4 || wrong < 2 || wrong != messages {
		t.Errorf("%d examples, %d of them wrong, and %d messages", examples, wrong, messages)
	}
}
