package report

import (
	"slices"

	"github.com/regsweep/regsweep/internal/draw"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/retain"
)

// htmlSpace explains the bars of repositories, and has that of the only one.
type htmlSpace struct {
	Legend string
	Bar    *draw.Bar
}

// htmlBar is a bar with what it stands for.
type htmlBar struct {
	Name, Text string
	Bar        draw.Bar
}

// space are the bars of repositories, by their bytes, or by their images where not all bytes are known.
type space struct {
	parts [][]draw.Part // of each repository
	whole int64         // the longest bar
	bytes bool
}

// space measures the repositories; nil when there is nothing to draw.
func (s sheet) space() *space {
	out := &space{bytes: !slices.ContainsFunc(s.views, func(v view) bool { return v.Plan != nil && v.inUse() == nil })}
	for _, bytes := range []bool{out.bytes, false} {
		out.bytes, out.parts, out.whole = bytes, nil, 0
		for _, v := range s.views {
			parts := v.imageParts()
			if used := v.inUse(); bytes && used == nil { // it was not read
				parts = nil
			} else if bytes {
				parts = []draw.Part{{Mark: draw.Kept, Amount: *used}, {Mark: draw.Gone, Amount: v.totals.UniqueBytes}}
			}
			var sum int64
			for _, p := range parts {
				sum += p.Amount
			}
			out.parts, out.whole = append(out.parts, parts), max(out.whole, sum)
		}
		if out.whole > 0 {
			return out
		}
	}
	return nil
}

// imageParts are the images of a repository by what became of them. Failed children and attachments are among those left.
func (v view) imageParts() []draw.Part {
	t := v.totals
	return []draw.Part{
		{Mark: draw.Kept, Amount: int64(t.Kept)},
		{Mark: draw.Left, Amount: int64(t.Failed + t.Unsettled + t.Skipped + t.Retained)},
		{Mark: draw.Gone, Amount: int64(t.Deleted + t.Gone + t.Planned)},
	}
}

// bar draws the i-th repository; nil when it has nothing to draw.
func (b *space) bar(s sheet, i int) *draw.Bar {
	if len(b.parts[i]) == 0 {
		return nil
	}
	bar := draw.NewBar(b.title(s, i), b.whole, b.parts[i]...)
	if len(bar.Parts) == 0 {
		return nil
	}
	return &bar
}

// title says what the bar of the i-th repository shows.
func (b *space) title(s sheet, i int) string {
	if !b.bytes {
		return s.views[i].imagesTitle()
	}
	return b.used(i) + ", " + size(b.parts[i][1].Amount) + " " + s.unreferencedWord()
}

// used says what the i-th repository still uses; "" when that is not known.
func (b *space) used(i int) string {
	if b == nil || !b.bytes || len(b.parts[i]) == 0 {
		return ""
	}
	return size(b.parts[i][0].Amount) + " in use"
}

func (v view) imagesTitle() string {
	p := v.imageParts()
	title := grouped(int(p[0].Amount)) + " kept, "
	if p[1].Amount > 0 {
		title += grouped(int(p[1].Amount)) + " " + v.leftWord() + ", "
	}
	return title + grouped(int(p[2].Amount)) + " " + v.goneWord()
}

// legend explains the bars, and says the numbers of a single one.
func (b *space) legend(s sheet) string {
	switch {
	case len(s.views) == 1:
		return "Filled: what stays. Outline: what goes. " + b.title(s, 0) + "."
	case b.bytes && s.DryRun:
		return "Bars: filled is the space that stays in use, the outline is what would become unreferenced. " + sharedLayer
	case b.bytes:
		return "Bars: filled is the space that stays in use, the outline is what became unreferenced. " + sharedLayer
	case s.DryRun:
		return "Bars: filled are the images that stay, the outline are those that would be deleted."
	}
	return "Bars: filled are the images that stay, the outline are those that were deleted, and a slim bar are those that should have been deleted and were not."
}

// sharedLayer says why the bars do not add up.
const sharedLayer = "A layer that several repositories share is in the bar of each."

func (s sheet) unreferencedWord() string {
	if s.DryRun {
		return "would become unreferenced"
	}
	return "unreferenced"
}

// diskBars draw the free space of the registry's disk before and after a garbage collection.
func diskBars(r *gc.Result) []htmlBar {
	if !r.Measured || r.FreeAfter <= 0 && r.FreeBefore <= 0 {
		return nil
	}
	whole := max(r.FreeBefore, r.FreeAfter)
	bar := func(name string, free int64) htmlBar {
		return htmlBar{name, size(free), draw.NewBar(size(free)+" free "+name, whole, draw.Part{Mark: draw.Kept, Amount: free})}
	}
	return []htmlBar{bar("before", r.FreeBefore), bar("after", r.FreeAfter)}
}

// safe reports whether the image is kept whatever the rules that count say.
func (e entry) safe() bool {
	return slices.ContainsFunc(e.Reasons, func(r retain.Reason) bool {
		return r.Rule == retain.RuleProtect || r.Rule == retain.RuleProtectFile || r.Rule == retain.RuleJustBuilt
	})
}
