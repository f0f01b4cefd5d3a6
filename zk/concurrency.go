package zk

// This file says which mutexes there are, in what order they are taken, and which goroutines there
// are, and what ends them. TestMutexesAndGoroutinesAreListed, in the root of the module, holds the
// code against both lists.
//
// Mutexes. A mutex may be locked while one above it in its group is held, and in no other case.
// None is held across a request, a dial, or a read or write of a socket. Under one a channel gets
// only what it has room for.
//
//	watchTable.mu       the watches of the session
//	  queue.mu          the calls that are not sent
//	  eventQueue.mu     the events for one listener
//
//	credentials.mu      what each connection proves first
//	  ring.mu           the calls that wait for a reply; also taken by itself
//
//	Lock.mu             whether a Lock is held, or being acquired
//	  client.sessionMu  the id and the password of the session; also taken by itself
//	hold.mu             whether a lock is about to be given back
//	  hold.once         closes hold.lost; also under Lock.mu
//
//	features.mu         what is known of the servers, and what calls ask of them
//	serverList.mu       the servers, and the next one to try
//	transport.once      the first reason for which a connection ends
//	client.doubted      the one line of the log about what a server must not send
//	tail.mu             the end of the log of a server for tests
//	serialWriter.mu     the user's writer for the logs of such servers, held across its Write
//	tracedConn.mu       the operations without a reply in a trace
//	mechanism.mu        the Kerberos tickets for the servers, of package gssapi
//
// Tokens, which are channels of capacity 1 or more, are no mutexes: waiting for one ends with a
// context, or with the client.
//
//	client.slots        one for each call of a client with WithMaxInFlight, held until its reply.
//	                    A pipeline waits for one only while it holds none
//	call.ready          from the holder of a call to its caller, once
//	queue.wake          from a caller to the write loop; it also waits for the connection
//
// User code runs under no mutex of this package, but for a Logger in client.doubted and a writer in
// serialWriter: an observer of OnEvent on the read loop or on the session goroutine, a callback of
// WithEventCallback on a goroutine of its own, a hook of WithRequestHook on that of the caller.
//
// Goroutines, by the function that starts them:
//
//	Connect             client.run, the session: one for a client; ends after Close, or when the
//	                    credentials are refused
//	eventPump.start     the channel of Connect; ends when the session goroutine has closed the pump
//	eventPump.start     the callback; ends likewise, once the callback returns
//	transport.run       writeLoop; ends with the connection
//	transport.run       readLoop; ends with the connection
//	transport.run       probe, on a read-only connection; ends with the connection
//	transport.run       a write deadline at Close; ends at once
//	transport.probe     hands the end of the connection to a context; ends with probe
//	client.open         closes a connection when its time is over; ends at once
//	client.writable     likewise, of a probe
//	client.dial         a dialer of the user's; ends when that returns, perhaps after Close
//	client.ask          the prover, on probe connections; ends when no question is left, or with the
//	                    client, which waits for it
//	features.attend     asks whether an event told the truth; ends with the reply to its read, or with
//	                    the client, which waits for it; follows /zookeeper/config; likewise with the
//	                    client
//	client.openProbe    closes a probe at the end of its time; ends at once
//	probe.request       likewise, of one question; ends at once
//	watchTable.addLasting
//	                    takes a watch back of which its caller has heard nothing; ends with the reply,
//	                    or with the client
//	checkServers        one lookup of a name; ends after a second at the latest
//	attempt.hold        hold.guard, of a lock that is held; ends when that is lost or released
//	attempt.leave       deletes a contender that gave up; ends when its znode is gone, with the
//	                    session, or with the client
//	Lock.unlock         deletes a contender that Unlock could not; ends likewise
//	Conn.CreateProtectedEphemeralSequential
//	                    deletes what an interrupted create may have made; ends likewise
//	mechanism.Begin     asks for a Kerberos ticket; ends when a KDC has answered, or none has for as
//	                    long as its library waits
//	serverRun.start     a server for tests, on its thread; ends with the process
//	tracer.serve        one connection through the tracer; ends with the connection
//	tracedConn.run      passes bytes to the server; ends with either connection
//	tracedConn.run      passes bytes to the client; ends with either connection
//
// When Conn.Close returns, those of its client have ended or are about to, but for a callback and a
// dialer that have not returned.
