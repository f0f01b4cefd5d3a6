package integration

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// point is what was measured of a tree.
type point struct {
	znodes     int
	cold, warm time.Duration // of a walk: of a new mount, and again
	memory     int           // bytes that the daemon grew by
}

func (p point) perZnode() int { return p.memory / p.znodes }

// micros returns how long a znode took.
func (p point) micros(d time.Duration) float64 { return float64(d.Microseconds()) / float64(p.znodes) }

// String is a row of the table in the documentation.
func (p point) String() string {
	return fmt.Sprintf("| %d | %.1f s | %.1f µs | %.1f s | %.1f µs | %d MiB | %d |", p.znodes,
		p.cold.Seconds(), p.micros(p.cold), p.warm.Seconds(), p.micros(p.warm), p.memory>>20, p.perZnode())
}

// curve is one line of a chart.
type curve struct {
	name, color string
	value       func(point) float64
}

// plot writes two charts over the number of znodes: the time and the memory that each takes.
func plot(t *testing.T, file string, points []point) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" font-family="sans-serif" font-size="12">` + "\n")
	b.WriteString(`<rect width="760" height="300" fill="white"/>` + "\n")
	chart(&b, 0, "time per znode, µs", points,
		curve{"first walk", "#b3400c", func(p point) float64 { return p.micros(p.cold) }},
		curve{"second walk", "#0b5fa5", func(p point) float64 { return p.micros(p.warm) }})
	chart(&b, 380, "memory per znode, bytes", points,
		curve{"resident", "#2c6e2f", func(p point) float64 { return float64(p.perZnode()) }})
	b.WriteString("</svg>\n")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// chart draws one of them, left pixels from the edge. Its horizontal axis is logarithmic, the other begins at 0.
func chart(b *strings.Builder, left float64, title string, points []point, curves ...curve) {
	const top, bottom, from, to = 50, 250, 60.0, 350.0
	highest := 0.0
	for _, p := range points {
		for _, c := range curves {
			highest = max(highest, c.value(p))
		}
	}
	step := math.Pow(10, math.Floor(math.Log10(highest)))
	if highest/step < 3 {
		step /= 2
	}
	ceiling := step * math.Ceil(highest/step)
	first, last := math.Log10(float64(points[0].znodes)), math.Log10(float64(points[len(points)-1].znodes))
	x := func(znodes int) float64 {
		return left + from + (to-from)*(math.Log10(float64(znodes))-first)/(last-first)
	}
	y := func(value float64) float64 { return bottom - (bottom-top)*value/ceiling }

	fmt.Fprintf(b, `<text x="%.0f" y="25" font-size="14">%s</text>`+"\n", left+from, title)
	for v := 0.0; v <= ceiling; v += step {
		fmt.Fprintf(b, `<path d="M%.0f %.1fH%.0f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%g</text>`+"\n",
			left+from, y(v), left+to, left+from-6, y(v)+4, v)
	}
	for _, p := range points {
		fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">%dk</text>`+"\n", x(p.znodes), bottom+18, p.znodes/1000)
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">znodes</text>`+"\n", left+(from+to)/2, bottom+38)
	for i, c := range curves {
		var line []string
		for _, p := range points {
			line = append(line, fmt.Sprintf("%.1f,%.1f", x(p.znodes), y(c.value(p))))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(p.znodes), y(c.value(p)), c.color)
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(line, " "), c.color)
		fmt.Fprintf(b, `<text x="%.0f" y="42" fill="%s">%s</text>`+"\n", left+from+float64(100*i), c.color, c.name)
	}
}
