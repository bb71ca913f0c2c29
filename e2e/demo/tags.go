package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// mostTags is how many tags a line has room for.
const mostTags = 8

// readable sorts tags, counts the signatures among them instead of naming them, and cuts a long list.
func readable(tags []string) string {
	signatures := 0
	tags = slices.DeleteFunc(tags, func(tag string) bool {
		_, signature := oci.AttachmentSubject(tag)
		if signature {
			signatures++
		}
		return signature
	})
	slices.SortFunc(tags, oci.NaturalCompare)
	if more := len(tags) - mostTags; more > 0 {
		tags = append(tags[:mostTags], fmt.Sprintf("… +%d", more))
	}
	if signatures > 0 {
		tags = append(tags, fmt.Sprintf("and %d signatures", signatures))
	}
	return strings.Join(tags, " ")
}
