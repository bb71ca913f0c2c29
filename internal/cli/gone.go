package cli

import "strings"

// goneFlags are flags that earlier versions had, with what to use now.
var goneFlags = map[string]string{
	"gc-delete-untagged":                            untaggedInstead,
	"gc-delete-untagged-destroys-multi-arch-images": untaggedInstead,
}

const untaggedInstead = "--untagged AGE deletes manifests without a tag and keeps what multi-arch images need, on distribution 2.x and 3.x (docs/untagged.md)"

// hintAtGoneFlag gives the error for an unknown flag a hint when an earlier version had that flag. The parser tells flags by
// its text alone.
func hintAtGoneFlag(err error) error {
	for flag, instead := range goneFlags {
		if rest, is := strings.CutPrefix(err.Error(), "unknown flag --"+flag); is && (rest == "" || rest[0] == ',') {
			return withHint(err, instead)
		}
	}
	return err
}

// insteadOf says what to use instead of a variable of a flag that is gone; "" for any other. name has no prefix.
func insteadOf(name string) string {
	return goneFlags[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
}
