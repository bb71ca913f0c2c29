package prune

import "errors"

// stops reports whether an error tells that no further deletion can succeed.
func stops(err error) bool {
	var s interface{ Stops() bool }
	return errors.As(err, &s) && s.Stops()
}

// inUse reports whether an error tells that something still refers to the manifest.
func inUse(err error) bool {
	var s interface{ InUse() bool }
	return errors.As(err, &s) && s.InUse()
}

// denied reports whether an error tells that the caller may not delete. On the first deletion of a run that means
// all of them; later on it is one image's own protection.
func denied(err error) bool {
	var s interface{ Denied() bool }
	return errors.As(err, &s) && s.Denied()
}

// unclear reports whether an error tells that nobody knows whether the registry removes tags, which it can do without.
func unclear(err error) bool {
	var u interface{ Unclear() bool }
	return errors.As(err, &u) && u.Unclear()
}

// unsent reports whether an error tells that a cancel came before the request.
func unsent(err error) bool {
	var s interface{ Unsent() bool }
	return errors.As(err, &s) && s.Unsent()
}
