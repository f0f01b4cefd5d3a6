package fs

import (
	"io"

	"github.com/zkfs/zkfs/internal/poke"
)

// PokerVariable is the environment variable by which a command of Options.Poker knows that it is to
// call RunPoker, with its value.
const PokerVariable = poke.Variable

// RunPoker is what a command of Options.Poker does with its standard input and output. It must be
// called by the main goroutine.
func RunPoker(value string, in io.Reader, out io.Writer) error { return poke.Run(value, in, out) }
