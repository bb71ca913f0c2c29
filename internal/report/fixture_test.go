package report

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

var started = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	mib = 1 << 20
	day = 24 * time.Hour
)

// fixture builds a repository decision by decision.
type fixture struct {
	r Outcome
	n int // numbers the digests
}

func repo(path string) *fixture {
	name := oci.Repository{Host: "registry.example.com:5000", Path: path}
	return &fixture{r: Outcome{Name: name, Plan: &retain.Plan{Repository: name}, Outcomes: map[oci.Digest]prune.Outcome{}}}
}

func digest(n int) oci.Digest { return oci.Digest(fmt.Sprintf("sha256:%012x%052x", n, n)) }

// image makes an image of one own blob and a base layer that all images share.
func (f *fixture) image(age time.Duration, bytes int64, tags ...string) oci.Image {
	f.n++
	base := oci.Blob{Digest: digest(1_000_000), Size: 30 * mib}
	own := oci.Blob{Digest: oci.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Append(nil, f.r.Name, f.n)))), Size: bytes - base.Size}
	return oci.Image{Digest: digest(f.n), Kind: oci.KindImage, Tags: tags, Created: started.Add(-age), Size: bytes, Blobs: []oci.Blob{base, own}}
}

func reasons(details ...string) []retain.Reason {
	var out []retain.Reason
	for _, d := range details {
		out = append(out, retain.Reason{Rule: retain.RuleLast, Detail: d})
	}
	return out
}

func (f *fixture) keep(i oci.Image, why ...string) *fixture {
	f.r.Plan.Decisions = append(f.r.Plan.Decisions, retain.Decision{Image: i, Verdict: retain.Keep, Reasons: reasons(why...)})
	return f
}

func (f *fixture) drop(i oci.Image, o prune.Outcome, why ...string) *fixture {
	f.r.Plan.Decisions = append(f.r.Plan.Decisions, retain.Decision{Image: i, Verdict: retain.Delete, Reasons: reasons(why...)})
	f.r.Outcomes[i.Digest] = o
	return f
}

// builds drops the builds from..to.
func (f *fixture) builds(from, to int, o prune.Outcome) *fixture {
	for b := from; b >= to; b-- {
		age := time.Duration(f.n+1) * 5 * time.Hour
		f.drop(f.image(age, int64(84*mib+b*1024), fmt.Sprint(b)), o, "beyond the last 2")
	}
	return f
}

// pair keeps the two newest builds.
func (f *fixture) pair(newest int) *fixture {
	f.r.Pushed = []oci.Pushed{{Reference: oci.Reference{Repository: f.r.Name, Tag: fmt.Sprint(newest)}, Source: "argument"}}
	f.keep(f.image(2*time.Minute, 84*mib+90_000, fmt.Sprint(newest), "latest"), "just built", "last 1 of 2", "protected by latest")
	return f.keep(f.image(3*time.Hour, 84*mib+70_000, fmt.Sprint(newest-1), "stable"), "last 2 of 2")
}

var (
	deleted = prune.Outcome{Status: prune.Deleted}
	gone    = prune.Outcome{Status: prune.Gone}
	planned = prune.Outcome{Status: prune.Planned}
)

func skipped(why string) prune.Outcome { return prune.Outcome{Status: prune.Skipped, Detail: why} }
func failed(why string) prune.Outcome  { return prune.Outcome{Status: prune.Failed, Detail: why} }

func summary(rs ...*fixture) Summary {
	s := Summary{
		Started: started, Elapsed: 4100 * time.Millisecond, Policy: "keep the last 2; protect latest",
		CI: CI{Name: "jenkins", BuildURL: "https://ci.example.com/job/app/1574/"},
	}
	for _, f := range rs {
		s.Repositories = append(s.Repositories, f.r)
	}
	return s
}

// multiArch adds an index with two children and a signature, kept or deleted together.
func (f *fixture) multiArch(tag string, age time.Duration, add func(i oci.Image, why ...string)) *fixture {
	amd, arm := f.image(age, 60*mib), f.image(age, 58*mib)
	amd.Kind, arm.Kind = oci.KindChild, oci.KindChild
	index := f.image(age, 0, tag)
	index.Kind, index.Size, index.Blobs, index.Children = oci.KindIndex, 0, nil, []oci.Digest{amd.Digest, arm.Digest}
	sig := f.image(age, 30*mib+900, "sha256-"+index.Digest.Encoded()+".sig")
	sig.Kind = oci.KindAttachment
	add(index, "last 1 of 1")
	add(amd, "child of "+tag)
	add(arm, "child of "+tag)
	add(sig, "attached to "+tag)
	return f
}
