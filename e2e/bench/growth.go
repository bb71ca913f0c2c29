package main

import (
	"math"
	"time"
)

// point is how long a number of images took.
type point struct {
	images  int
	elapsed time.Duration
}

// fitFrom is the least number of images that tells of growth: below it the start of a process shows.
const fitFrom = 500

// growth is how the time of a contestant grows with the images: as their number to the power of exponent.
type growth struct {
	exponent float64
	// from and to are the least and the greatest number of images that it was found in; 0 when there were too few.
	from, to int
}

// fit draws a line through the points from 500 images up, on logarithmic scales, with the least squares.
func fit(points []point) (g growth) {
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		if p.images < fitFrom {
			continue
		}
		x, y := math.Log(float64(p.images)), math.Log(p.elapsed.Seconds())
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
		if g.from == 0 || p.images < g.from {
			g.from = p.images
		}
		g.to = max(g.to, p.images)
	}
	if g.from == g.to {
		return growth{}
	}
	g.exponent = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return g
}

// exponent is how a value grows between two numbers.
func exponent(from, to int, a, b float64) float64 {
	return math.Log(b/a) / math.Log(float64(to)/float64(from))
}

// estimate says how long that many images will take by the growth between the last two points; 0 without a point.
// It takes no growth for less than linear: each image needs a request at least, and what looks like less is the start.
func estimate(points []point, images int) time.Duration {
	if len(points) == 0 {
		return 0
	}
	last, grows := points[len(points)-1], 1.0
	if len(points) > 1 {
		before := points[len(points)-2]
		grows = max(grows, exponent(before.images, last.images, before.elapsed.Seconds(), last.elapsed.Seconds()))
	}
	return time.Duration(float64(last.elapsed) * math.Pow(float64(images)/float64(last.images), grows))
}
