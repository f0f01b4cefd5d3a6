package orders

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Obey reads orders and answers them until there are no more.
func Obey(in io.Reader, out io.Writer) {
	files := map[string]*os.File{}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 8<<20)
	for s.Scan() {
		var words []string
		for rest := s.Text(); rest != ""; {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				panic(err)
			}
			word, _ := strconv.Unquote(quoted)
			words = append(words, word)
			rest = strings.TrimPrefix(rest[len(quoted):], " ")
		}
		fmt.Fprintln(out, answerTo(files, words))
	}
}

// answerTo makes a call and returns the answer: "ok", possibly with a value, the name of an error
// of the kernel, or "error" with what is wrong. A call with words that are unknown, malformed or
// missing panics, which is an answer of that kind.
func answerTo(files map[string]*os.File, words []string) (answer string) {
	defer func() {
		if wrong := recover(); wrong != nil {
			answer = fmt.Sprint("error ", wrong)
		}
	}()
	value, err := fileCall(files, words[0], words[1:])
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case err != nil:
		return fmt.Sprint("error ", err)
	case value == "":
		return "ok"
	}
	return "ok " + value
}

// pick returns what the table has for the word.
func pick[T any](table map[string]T, word string) T {
	value, ok := table[word]
	if !ok {
		panic(fmt.Sprintf("unknown word %q", word))
	}
	return value
}

// number reads a number in decimal.
func number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// octal reads the mode of a file.
func octal(word string) uint32 {
	n, err := strconv.ParseUint(word, 8, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}
