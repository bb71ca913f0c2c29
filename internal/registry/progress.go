package registry

import "context"

type progressKey struct{}

// WithProgress returns a context whose reads are counted: tell is called, from several goroutines, with how many of a round
// of reads are done. Short rounds are not worth telling, see [Reads].
func WithProgress(ctx context.Context, tell func(done, all int)) context.Context {
	return context.WithValue(ctx, progressKey{}, tell)
}

// Reads returns the function that counts a round of so many reads; one that does nothing where nobody counts them, or where
// the round takes less than a second on any network that a person waits on.
func Reads(ctx context.Context, all int) func(done int) {
	tell, _ := ctx.Value(progressKey{}).(func(done, all int))
	if tell == nil || all < fewReads {
		return func(int) {}
	}
	return func(done int) { tell(done, all) }
}

// fewReads is what a client reads in about a second: 128 requests at a time over a round trip of 300 ms.
const fewReads = 400
