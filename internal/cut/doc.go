// Package cut reads a tree of ZooKeeper as it was after one transaction, while other clients go on
// changing it.
//
// [Take] sets one recursive watch and reads every znode once. Events name what has changed since
// it was read. That is read again, until all of it fits one multiRead, which ZooKeeper answers
// from one state. If no event for another znode has come before its reply, what was read is the
// state after the transaction that the reply names.
//
// Two things are not part of that state, for servers send no event for them: ACLs, each of which
// is as it was at some moment of the reading, and znodes that the session may not read.
//
// What was read lies in a file without a name. The memory holds some 70 bytes for each znode.
package cut
