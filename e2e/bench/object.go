package main

import (
	"context"
	"fmt"

	"github.com/regsweep/regsweep/e2e/registries"
)

// longer is how many times as long a contestant has there: the script needs half a minute for 100 images.
const longer = 4

// onObjects measures all contestants on object storage, where each operation of the storage goes over the network: a
// registry that reads every tag for each deletion does that there as well.
func (b *bench) onObjects(ctx context.Context, k kind, o options) (*panel, error) {
	far := k
	far.name = fmt.Sprintf("%s, object storage with %v an operation", k.name, o.operation)
	far.operation, far.operated = o.operation, nil
	far.start = registries.Distribution3OnObjects
	if !k.deletesTags {
		far.start = registries.DockerRegistry2OnObjects
	}
	return b.panel(ctx, far, 0, sizes{o.objects, longer * o.budget})
}
