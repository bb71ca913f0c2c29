package main

import (
	"context"
	"errors"
	"time"

	"github.com/regsweep/regsweep/e2e/relay"
)

// panel is how all contestants did on one registry at one distance.
type panel struct {
	kind  kind
	delay time.Duration // the added round trip
	rows  []row
	// tried is what each number of workers of the floor took, at triedWith images; best is the one that the floor runs with.
	tried     map[int]time.Duration
	triedWith int
	best      int
}

// row is how one contestant did.
type row struct {
	contestant contestant
	cells      []cell
}

// cell is what became of one number of images.
type cell struct {
	images int
	result *result // nil when it was not measured
	// estimate is how long it would have taken by its growth so far, when that was beyond the budget.
	estimate time.Duration
	failed   bool
}

// points are the cells that were measured.
func (r row) points() (out []point) {
	for _, c := range r.cells {
		if c.result != nil {
			out = append(out, point{c.images, c.result.elapsed})
		}
	}
	return out
}

// at returns the result with that many images; nil when nothing was measured there.
func (r row) at(images int) *result {
	for _, c := range r.cells {
		if c.images == images {
			return c.result
		}
	}
	return nil
}

// row returns that of a contestant, an empty one when it did not take part.
func (p *panel) row(name string) row {
	for _, r := range p.rows {
		if r.contestant.name == name {
			return r
		}
	}
	return row{}
}

// sizes says how many images contestants get, in ascending order, and how long one may take.
type sizes struct {
	images []int
	budget time.Duration
}

// panel measures all contestants. What fails is missing in the panel and in the error; the others go on.
func (b *bench) panel(ctx context.Context, k kind, delay time.Duration, s sizes) (*panel, error) {
	p := &panel{kind: k, delay: delay}
	f := func(images int) field {
		return field{k, relay.Options{RoundTrip: delay}, []repository{{"zdtest/app", images}}}
	}
	known, err := p.chooseFloor(ctx, b, f(tryWith(s.images)))
	if err != nil {
		return p, err
	}
	for _, c := range append(b.contestants(k), b.floors(k, p.best)...) {
		p.rows = append(p.rows, row{contestant: c})
	}
	var errs []error
	for _, images := range s.images { // each size with all contestants, so that they meet at about the same time
		for i := range p.rows {
			r := &p.rows[i]
			if r.contestant.name == nameFloor && images == p.triedWith {
				r.cells = append(r.cells, cell{images: images, result: known})
				continue
			}
			c, err := r.next(images, s.budget, func() (result, error) { return b.measure(ctx, f(images), r.contestant) })
			r.cells = append(r.cells, c)
			errs = append(errs, err)
			if ctx.Err() != nil {
				return p, errors.Join(errs...)
			}
		}
	}
	return p, errors.Join(errs...)
}

// next measures a cell, unless that would take longer than the budget or a smaller one has failed.
func (r row) next(images int, budget time.Duration, measure func() (result, error)) (cell, error) {
	for _, c := range r.cells {
		if c.failed {
			return cell{images: images, failed: true}, nil
		}
	}
	if e := estimate(r.points(), images); e > budget {
		return cell{images: images, estimate: e}, nil
	}
	res, err := measure()
	if err != nil {
		return cell{images: images, failed: true}, err
	}
	return cell{images: images, result: &res}, nil
}

// tryWith is the number of images that the floor's workers are tried with: the greatest up to 1000, else the least.
func tryWith(images []int) int {
	out := images[0]
	for _, n := range images {
		if n <= 1000 {
			out = n
		}
	}
	return out
}

// chooseFloor tries how many workers the floor is best with and returns what it did with them.
func (p *panel) chooseFloor(ctx context.Context, b *bench, f field) (*result, error) {
	p.tried, p.triedWith = map[int]time.Duration{}, count(f.repositories)
	var best *result
	for _, workers := range floorWorkers {
		res, err := b.measure(ctx, f, b.floor(f.kind, workers))
		if err != nil {
			return nil, err
		}
		p.tried[workers] = res.elapsed
		if best == nil || res.elapsed < best.elapsed {
			best, p.best = &res, workers
		}
	}
	return best, nil
}
