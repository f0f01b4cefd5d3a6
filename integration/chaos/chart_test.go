package chaos

import (
	"fmt"
	"math"
	"strings"
)

// The chart has a panel for the memory of the daemons and one for their latency, which is logarithmic.
const (
	chartWidth  = 900
	panelHeight = 220
	margin      = 60
)

var colors = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd"}

// chart draws the rows as SVG.
func chart(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		chartWidth, 2*(panelHeight+margin))
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	panel(&b, 0, "resident memory of each mount, MiB", rows, func(r row) float64 { return float64(r.rss) })
	panel(&b, panelHeight+margin, "99th percentile of the slowest system call of an operation, ms, log scale", rows,
		func(r row) float64 { return math.Log10(max(r.p99, 0.1)) + 1 })
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws one value of the rows, a line for each mount.
func panel(b *strings.Builder, top int, title string, rows []row, value func(row) float64) {
	var last, most float64
	for _, r := range rows {
		last, most = max(last, r.seconds), max(most, value(r))
	}
	bottom := float64(top + margin/2 + panelHeight)
	x := func(r row) float64 { return margin + r.seconds/max(last, 1)*(chartWidth-2*margin) }
	y := func(v float64) float64 { return bottom - v/max(most, 1)*(panelHeight-10) }
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", margin, top+margin/2, title)
	fmt.Fprintf(b, `<path d="M%d %d V%.0f H%d" fill="none" stroke="black"/>`+"\n", margin, top+margin/2+5, bottom, chartWidth-margin)
	fmt.Fprintf(b, `<text x="%d" y="%.0f">%.0f s</text>`+"\n", chartWidth-margin, bottom+15, last)
	label := func(v float64) string {
		if strings.Contains(title, "log") {
			return fmt.Sprintf("%g", math.Pow(10, v-1))
		}
		return fmt.Sprintf("%g", v)
	}
	for v := 0.0; v <= most; v += max(1, math.Ceil(most/5)) {
		fmt.Fprintf(b, `<text x="5" y="%.0f">%s</text>`+"\n", y(v)+4, label(v))
	}
	lines := map[string]*strings.Builder{}
	var names []string
	for _, r := range rows {
		if lines[r.mount] == nil {
			lines[r.mount] = &strings.Builder{}
			names = append(names, r.mount)
		}
		fmt.Fprintf(lines[r.mount], "%.1f,%.1f ", x(r), y(value(r)))
	}
	for i, name := range names {
		color := colors[i%len(colors)]
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s"/>`+"\n", lines[name], color)
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", chartWidth-margin-60*(i+1), top+margin/2, color, name)
	}
}
