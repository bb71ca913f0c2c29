package oci

import (
	"crypto/sha256"
	"encoding/hex"
)

// Key stands for a digest in few bytes, for sets of hundreds of thousands.
type Key [sha256.Size]byte

// KeyOf returns the key of a digest: the hash itself of the sha256 that nearly all are, else a hash of the text.
func KeyOf(d Digest) (k Key) {
	const prefix = "sha256:"
	if s := string(d); len(s) == len(prefix)+2*len(k) && s[:len(prefix)] == prefix {
		if _, err := hex.Decode(k[:], []byte(s[len(prefix):])); err == nil {
			return k
		}
	}
	return sha256.Sum256([]byte(d))
}
