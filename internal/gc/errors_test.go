package gc

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	_, badTarget := ParseTarget("nowhere", TargetOptions{DryRun: true})
	_, badLog := ReadLog(strings.NewReader("<html>"))
	for _, c := range []struct {
		err  error
		kind Kind
		hint string
	}{
		{&Refusal{Why: "x", Advice: "y"}, KindRefused, "y"},
		{errors.Join(&NotBackError{Started: "s", Cause: context.Canceled}, context.Canceled), KindFailed, "check the registry's own log, then start the registry: s"},
		{errors.Join(context.Canceled, errors.New("x")), KindCancelled, ""},
		{badTarget, KindBadInput, "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); a dry run stops nothing"},
		{badLog, KindBadInput, "--from needs everything that the garbage collection prints: registry garbage-collect --dry-run CONFIG > gc.log"},
		{errors.New("x"), KindFailed, ""},
	} {
		if got := KindOf(c.err); got != c.kind || hintOf(c.err) != c.hint {
			t.Errorf("%v: got %q and the hint %q", c.err, got, hintOf(c.err))
		}
	}
}
