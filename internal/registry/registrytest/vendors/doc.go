// Package vendors has fakes of hosted registries that no test can run: each one is the in-memory registry of
// registrytest with a service's own login, its other APIs, and above all what the service refuses. A fake keeps books of
// what it really deleted and of what it refused, so that a test compares a client's report with them.
//
// What a fake does comes from the service's documentation, from issues and from the sources of its clients. No fake was
// compared with the live service. A comment says "unverified" where the source of a fact is weak.
package vendors
