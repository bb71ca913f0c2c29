// Package e2e holds the tests that need a real registry. It is a module of its own so that what they depend on stays out
// of the product's.
package e2e
