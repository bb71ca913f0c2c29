package retain

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// BenchmarkDecide decides under all rules at once. Compare ns/op between the sizes: it grows as n log n.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			s := oci.Snapshot{Repository: testRepository}
			for i := range n {
				tags := []string{fmt.Sprintf("branch%d-%d", r.IntN(50), i)} // a build of one of fifty branches
				if i%10 == 0 {                                              // every tenth is a release as well
					tags = append(tags, fmt.Sprintf("v1.%d.%d", i/1000, i/10%100))
				}
				s.Images = append(s.Images, oci.Image{
					Digest: named(fmt.Sprint(i)), Kind: oci.KindImage, Tags: tags,
					Created: testNow.Add(-time.Duration(r.IntN(500*24)) * time.Hour),
				})
			}
			p := parsePolicy(b, "--keep-last 3 --keep-younger-than 14d --keep-hourly 5 --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --keep-yearly 3 --keep-semver 3/minor --group-by ^(.+)-[0-9]+$ --expire-groups 90d --protect latest,release-*,re:prod-[0-9]+")
			b.ReportAllocs()
			for b.Loop() {
				Decide(s, p, Context{}, testNow)
			}
		})
	}
}
