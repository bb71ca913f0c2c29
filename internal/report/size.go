package report

import (
	"fmt"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Bytes says a number of bytes for a person, such as "4.3 MiB".
func Bytes(n int64) string { return size(n) }

// size says a number of bytes in binary units with one decimal, as docker's registry tools and du -h count them.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1023.95 && unit < len(sizeUnits)-1 { // from here on it would print as 1024.0
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %s", value, sizeUnits[unit])
}

var sizeUnits = []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// seconds says how long a run took.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// age says how old the image was when the run started.
func age(i oci.Image, started time.Time) string {
	if i.Created.IsZero() {
		return "-"
	}
	return retain.Elapsed(started.Sub(i.Created))
}

// sizer knows the sizes of a plan's images.
type sizer map[oci.Digest]*oci.Image

// newSizer indexes the plan, and does not even that when no image of it has children.
func newSizer(p *retain.Plan) sizer {
	var s sizer
	for i := range p.Decisions {
		if len(p.Decisions[i].Image.Children) > 0 {
			s = make(sizer, len(p.Decisions))
			break
		}
	}
	if s != nil {
		for i := range p.Decisions {
			s[p.Decisions[i].Image.Digest] = &p.Decisions[i].Image
		}
	}
	return s
}

// text says the image's size, or that it is not known.
func (s sizer) text(i oci.Image) string {
	if i.Unread {
		return "-"
	}
	return size(s.of(i))
}

// of returns the image's own size, and for an index the sum of the children that the plan knows, each once and at any
// depth: an index may list indexes (OCI image-spec, image-index.md).
func (s sizer) of(i oci.Image) int64 {
	sum := i.Size
	seen := map[oci.Digest]bool{i.Digest: true}
	queue := i.Children
	for len(queue) > 0 {
		c := s[queue[0]]
		queue = queue[1:]
		if c == nil || seen[c.Digest] {
			continue
		}
		seen[c.Digest] = true
		sum += c.Size
		queue = append(queue[:len(queue):len(queue)], c.Children...)
	}
	return sum
}
