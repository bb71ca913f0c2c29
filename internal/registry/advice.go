package registry

// advised is an error of a kind with advice of its own.
type advised struct {
	error
	kind *Kind // nil is that of the error
	hint string
}

// Advise gives an error a kind and the advice that fits one vendor's product. A nil kind leaves the error's own, and an
// empty hint says that the error's own does not fit. A nil error stays nil.
func Advise(err error, kind *Kind, hint string) error {
	if err == nil {
		return nil
	}
	return advised{err, kind, hint}
}

// Is reports whether target is the kind.
func (a advised) Is(target error) bool { return a.kind != nil && target == a.kind }
func (a advised) Unwrap() error        { return a.error }

// Hint returns the advice.
func (a advised) Hint() string { return a.hint }
