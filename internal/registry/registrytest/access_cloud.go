package registrytest

import "github.com/regsweep/regsweep/internal/oci"

// Blob returns a config or layer of a repository.
func (reg *Registry) Blob(path string, d oci.Digest) (body []byte, ok bool) {
	return reg.findBlob(path, d)
}
