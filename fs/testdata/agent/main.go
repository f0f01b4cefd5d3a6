// Command agent makes the system calls that the tests of package fs order.
package main

import (
	"os"

	"github.com/zkfs/zkfs/internal/orders"
)

func main() { orders.Obey(os.Stdin, os.Stdout) }
