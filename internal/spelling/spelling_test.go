package spelling

import "testing"

func TestMeant(t *testing.T) {
	known := []string{"repositories", "keep-last", "keep-daily", "tags", "protect"}
	for name, want := range map[string]string{
		"keep-lst": "keep-last", "keep_last": "keep-last", "keeplast": "keep-last", "keep-dialy": "keep-daily",
		"tag": "tags", "protected": "protect", "repository": "", "keep": "", "": "", "dry-run": "",
	} {
		if got := Meant(name, known); got != want {
			t.Errorf("Meant(%q) is %q, want %q", name, got, want)
		}
	}
}
