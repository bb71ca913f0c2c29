package report

import "errors"

// ErrTimeout is the cause of a run that --timeout has ended. A repository whose error is or wraps it was not read
// because its turn did not come: that is not a failure, the next run comes to it.
var ErrTimeout = errors.New("the time given by --timeout is over")

// Hint returns what helps against an error: the text of the first error in its chain that has a method Hint and says
// something. It returns "" when none does.
func Hint(err error) string {
	var with interface {
		error
		Hint() string
	}
	for errors.As(err, &with) {
		if text := with.Hint(); text != "" {
			return text
		}
		err = errors.Unwrap(with)
	}
	return ""
}

// readError is an error of which a report has the text.
type readError struct {
	text, hint string
	kind       error // what it wraps; nil when a report does not tell
}

func (e readError) Error() string { return e.text }

func (e readError) Hint() string { return e.hint }

func (e readError) Unwrap() error { return e.kind }
