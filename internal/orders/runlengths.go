package orders

import (
	"fmt"
	"strconv"
	"strings"
)

// RunLengths describes data: "3*a 2*b" is "aaabb".
func RunLengths(data []byte) string {
	var words []string
	for i := 0; i < len(data); {
		n := 1
		for i+n < len(data) && data[i+n] == data[i] {
			n++
		}
		words = append(words, fmt.Sprintf("%d*%s", n, strings.Trim(strconv.Quote(string(data[i])), `"`)))
		i += n
	}
	return strings.Join(words, " ")
}
