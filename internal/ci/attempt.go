package ci

import "runtime"

// attempt turns the panic with which the library answers a failed write into an error.
func attempt(do func()) (err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case runtime.Error:
			panic(cause)
		case error:
			err = cause
		default:
			panic(cause)
		}
	}()
	do()
	return nil
}
