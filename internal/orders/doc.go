// Package orders makes the system calls that a test orders, in a process of its own.
//
// A process that uses files of a mount which it serves itself can wait for itself for ever, so the
// tests on a mount have an agent there: the program fs/testdata/agent, which is nothing but Obey.
// It is compiled without the race detector, whatever the tests are: they start hundreds of agents.
//
// An order is a line of quoted words, the first of which names the call. Its answer is a line:
// "ok", possibly with a value, the name of an error of the kernel, or "error" with what is wrong.
package orders
