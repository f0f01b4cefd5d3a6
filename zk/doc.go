// Package zk is a client of Apache ZooKeeper: sessions, operations, watches and locks.
//
// It needs nothing but the standard library. It has the API of github.com/go-zookeeper/zk and of
// github.com/samuel/go-zookeeper/zk, so that programs written for them compile with it. It works
// with servers from 3.4 to 3.9: an operation that a server is too old for ends with
// [ErrUnimplemented], and its comment names the version that has it.
//
//	servers := []string{"zk1:2181", "zk2:2181", "zk3:2181"}
//	c, events, err := zk.Connect(servers, 10*time.Second)
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	path, err := c.Create("/greeting", []byte("hello"), zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
//	data, stat, err := c.Get(path)
//
// Each section below ends with the examples that run, and the tests that hold its sentences.
//
// # Sessions
//
// A [Conn] is one session at a time, and one connection at a time to one of the servers. [Connect]
// returns at once, and the calls that follow wait for the session; [Conn.WaitConnected] waits
// without a call. The client tries the servers in a random order, and resolves a name at each
// attempt. The pause between two rounds of all servers grows to a second; a call that comes cuts it
// short.
//
// The channel of Connect, [WithEventCallback] and [Conn.OnEvent] report each change of state as an
// [EventSession]:
//
//	StateConnecting          a server is being tried; Err says why the last attempt failed
//	StateConnected           the transport is up
//	StateSaslAuthenticated   the exchange of WithSASL has succeeded
//	StateHasSession          requests are served
//	StateConnectedReadOnly   reads are served, see WithReadOnly
//	StateDisconnected        the connection is lost; Err says why
//	StateExpired             the session is over; Err says why
//	StateAuthFailed          the servers refuse the credentials, and the client has ended
//
// A lost connection does not end the session. The client resumes it on any server, with its
// ephemeral znodes, its watches and its locks. It pings an idle server every third of the session
// timeout, and leaves a server that is silent for two thirds of it.
//
// The servers end a session that none of them has heard for its timeout. The client learns that
// from the next server, or assumes it when no server has answered for 4/3 of the timeout; with
// [WithServerExpiry] it does not assume it. Then it reports [StateExpired], ends all watches and
// locks, fails the calls that wait to be sent with [ErrSessionExpired], and opens another session.
// What belonged to the old session is for the program to create again.
//
// [Conn.Close] ends the session, so that ephemeral znodes go at once. A process can hand its
// session over instead, see [WithSession]. [Conn.SetServers] moves it to other servers, and
// [WithDynamicServers] follows the ensemble where servers join and leave.
//
// [WithChroot] puts the session below a znode: paths of requests, replies and events begin there.
// [Conn.Chroot] does so for a view, so that parts of a program share a session, each below a znode
// of its own. [ParseConnectString] splits "zk1:2181,zk2:2181/chroot".
//
// Examples: ExampleConnect, Example_session. Tests: TestStatesOfAGoodConnect,
// TestSessionSurvivesTheConnection, TestAnotherSessionFollowsExpiry, TestExpiryWithoutAnyServer,
// TestServerExpiry, TestIdleSessionStaysAlive, TestReconnectAfterALongOutage,
// TestACallHastensTheReconnect, TestServersAreDialedByName, TestSessionIsHandedOver, TestChroot,
// TestChrootEvents, TestWaitConnected.
//
// # Znodes
//
// A znode has data, a list of children and a [Stat]. [Conn.Get], [Conn.Children] and [Conn.Exists]
// return the Stat of the same moment. Data may be null (nil), which is not empty data.
//
// The flags of [Conn.Create] say how long a znode lives. [FlagEphemeral] ends it with the session.
// [FlagSequence] appends a number to its name, which grows with each child of the parent. The
// servers delete a container some time after its last child, and a znode of [Conn.CreateTTL] when
// it has not changed for a while. A delete is never recursive.
//
// Servers bound a request, data and path included, by jute.maxbuffer, a mebibyte by default, and
// drop the connection of a client that exceeds it. This client fails such a call with [ErrTooLarge]
// instead; [WithMaxConnBufferSize] tells it of another bound.
//
// Examples: ExampleConn_Create. Tests: TestTooLargeIsRefusedHere, TestReplyTooLarge; the table of
// package internal/conformance, which runs against real servers.
//
// # The order of requests
//
// All methods of a Conn may be called from many goroutines at once, and many requests are in flight
// at a time. They reach the server in the order of the calls, and the server answers them in that
// order. A goroutine that starts a read after its write has returned sees the write. A goroutine
// that wants many requests in flight uses [Conn.Pipeline], which keeps the order of its operations.
//
// Writes of all clients have one order. A read is answered by the connected server, which may lag
// behind. [Conn.Sync] before a read makes it as new as the call of Sync.
//
// [Conn.Multi] does several writes as one transaction, all or none. A version makes a single write
// conditional: [Conn.Set] and [Conn.Delete] fail with [ErrBadVersion] if another client was first.
//
// Gets that wait at the same moment travel as one request, where the server knows multiRead. The
// order stays. There is one exception: if the batch is refused, by an older server or for the size
// of its reply, its Gets are sent again alone, and may see writes that were started after them.
// [Conn.MultiRead] does it for reads of the program's choice.
//
// Examples: Example_order, ExampleConn_Multi, ExampleConn_Pipeline. Tests: TestPipelineKeepsOrder,
// TestXidOutOfOrderEndsTheConnection, TestGetsTravelTogether, TestGetsThatAreHeldBack.
//
// # Watches
//
// A one-shot watch is set by the read that it belongs to: [Conn.GetW], [Conn.ExistsW] and
// [Conn.ChildrenW] return a channel, which gets one event and is closed. A program that follows a
// znode reads it again, with the next watch, after each event. Changes between the event and the
// read fire nothing, and the read sees them: no change is missed, and several may show as one.
//
// A lasting watch stays until [Watcher.Stop]. [Conn.AddWatch] sets one, on a znode and its list of
// children, or on everything below a znode (servers from 3.6 on). Its channel holds 4096 events; an
// [EventLost] stands in the place of those that a slow reader has lost.
//
// An event is delivered before the reply to any request that the server has answered after the
// change. [Conn.OnEvent] extends that to a cache: the function runs before a later reply reaches
// its caller, so no caller learns of a change that the cache does not know of.
//
// After a reconnect the client sends its credentials and sets all watches again, before any other
// request:
//
//   - a one-shot watch fires for what it has missed meanwhile, and otherwise stands as before
//   - a lasting watch gets an EventLost: look at the znodes again
//   - a watch that the server refuses ends with an [EventNotWatching]
//
// At the end of the session, and of the client, every watch gets an EventNotWatching, and its
// channel is closed. Its Err says why: [ErrSessionExpired], [ErrClosing] or [ErrAuthFailed]. No
// reader waits for ever.
//
// [Conn.RemoveWatch], [Conn.RemoveWatches] and Stop end watches at the server too. Servers do not
// report changes of ACLs. Servers from 3.8.4 and 3.9.2 on do not report changes of a znode that the
// session may not read.
//
// The channel of Connect gets a copy of each event. A program need not read it.
//
// Examples: ExampleConn_GetW, ExampleConn_AddWatch, ExampleConn_OnEvent. Tests:
// TestEventComesBeforeLaterReplies, TestWatchesSurviveTheConnection, TestManyWatchesAreSetAgain,
// TestRefusedWatchesEnd, TestPersistentWatch, TestRecursiveWatch, TestFullWatcherLosesEvents,
// TestNoChannelWithAnError, TestWatchesEndWithClose, TestCallbackDoesNotHoldUpTheReader.
//
// # Errors
//
// Each code of the servers is a variable, and so is what the client finds itself. Compare with
// [errors.Is]; == works for the documented variables too. One question decides what a program may
// do after a write has failed, and [MaybeApplied] answers it:
//
//	error                                     the write      MaybeApplied
//	ErrNoNode, ErrBadVersion, ErrNoAuth ...   was refused    false
//	ErrNoServer, ErrSessionExpired,
//	ErrClosing, ErrInvalidPath, ErrTooLarge   was not sent   false
//	*InterruptedError                         see its Sent   Sent
//	ErrConnectionClosed, ErrRequestTimeout    is in doubt    true
//	ErrReplyTooLarge, a malformed reply       is in doubt    true
//
// No operation repeats a write by itself. After a doubtful write the program asks before it repeats
// it: the version of the znode tells, or an id in its data or name. A [Conn.Sync] comes first,
// because the next server may lag behind the one that applied the write.
// [Conn.CreateProtectedEphemeralSequential] does all that for recipes, and so does [Lock].
//
// A read may be repeated after [ErrConnectionClosed] and [ErrNoServer]: the session may still live.
// The client waits between its attempts, so a loop of such calls does not spin.
//
// With an error, Get, Exists, Children, GetACL, Set and SetACL return a Stat that is zero, and the
// methods that set a watch return no channel.
//
// Examples: ExampleMaybeApplied. Tests: TestErrorsAreTheVariablesThemselves,
// TestLostReplyMayHaveBeenApplied, TestNeverSentWasNeverApplied, TestTooLargeIsRefusedHere,
// TestMalformedReplyMayHaveBeenApplied, TestReplyTooLarge, TestProtectedCreateFindsItsZnode,
// TestCallsDoNotMakeTheClientSpin, TestStatIsNeverNilWithoutAWatch.
//
// # Contexts
//
// [Conn.WithContext] returns a view of the same connection. Its calls end with a context:
//
//	data, stat, err := c.WithContext(ctx).Get("/config")
//
// A call that is given up returns an [InterruptedError] at once. Its request may be on its way; the
// reply is thrown away when it comes, and later calls get theirs.
//
// A call without a context ends too. It waits in the queue until a round of all servers has failed
// ([ErrNoServer]), and for its reply until the connection is given up ([ErrConnectionClosed]).
//
// [WithMaxInFlight] bounds the calls that wait at a time, [WithConnectTimeout] an attempt to
// connect.
//
// Examples: ExampleConn_WithContext. Tests: TestContextEndsACall, TestCallsInFlightAreBounded,
// TestCallsAroundCloseReturn, TestCloseWhileTheServerIsSilent.
//
// # Locks
//
// A [Lock] is ZooKeeper's recipe. Each contender is an ephemeral sequential child of the lock's
// znode, and the first in the order of their numbers holds the lock.
//
//	l := zk.NewLock(c, "/locks/deploy", zk.WorldACL(zk.PermAll))
//	if err := l.LockContext(ctx); err != nil {
//		return err
//	}
//	defer l.Unlock()
//
// [NewReadLock] makes the shared form. Contenders of Curator's InterProcessMutex, of go-zookeeper
// and of other clients on the same path count: each child with a sequence number at the end of its
// name. [Lock.TryLock] does not wait. [LockQueue] shows the contenders, to any program that lists
// the znode's children.
//
// A session that ends elsewhere takes the lock with it, and its holder learns that later than the
// next holder may get it. Two things keep the work safe:
//
//   - [Lock.Lost] is closed while a sixth of the session timeout is still left: stop the work then.
//   - [Lock.Zxid] grows with each hold. Hand it to what the lock protects, and let that refuse a
//     number below the largest that it has seen. That also covers a process that was frozen.
//
// Examples: ExampleLock, ExampleLockQueue. Tests: TestLockIsFirstComeFirstServed,
// TestLockIsLostWithItsSession, TestLockIsDoubtedInTime, TestInterruptedWaiterLeavesNothing,
// TestUnlockWithoutAServerIsDoneLater, TestUnlockContext, TestFencingNumbersGrow,
// TestLockAsProgramsKnowIt, TestContendersAreInOrderAcrossTheWrap.
//
// # Read-only servers
//
// A server that has lost its quorum serves nothing, unless readonlymode.enabled lets it serve
// reads. With [WithReadOnly] the client takes such a server: the state is [StateConnectedReadOnly],
// and writes fail with [ErrNotReadOnly]. The client looks for a server that can write meanwhile,
// and moves there.
//
// Examples: ExampleWithReadOnly. Tests: TestReadOnlyServer,
// TestReadOnlyServerIsLeftForOneThatCanWrite.
//
// # Security
//
// [WithTLS] encrypts the connection, and shows a certificate of the client. [WithAuth] and
// [Conn.AddAuth] send credentials, such as "digest" with "user:password"; [WithSASL] proves an
// identity by [DigestMD5], or by Kerberos (package zk/gssapi). The client proves all of them again
// on each connection, before anything else is asked of the server. If a server refuses what the
// options give, or what another server has taken, the client ends rather than go on as another
// identity: its calls fail with [ErrAuthFailed]. [WithSecrets] is for secrets that rotate: each
// connection takes those of its moment, and a refusal is final only when all servers repeat it.
//
// A znode's ACL lists what identities may do. [WorldACL] admits all, [AuthACL] the identities of
// the connection, [DigestACL] one user. ACLs are not inherited. [Conn.WhoAmI] tells the identities.
//
// Paths and names that servers send are checked: a program that joins them to a directory gets no
// "..", no slash and no control character.
//
// Examples: ExampleConn_AddAuth, ExampleWithAuth, ExampleWithTLS, ExampleWithSASL, ExampleWithSecrets. Tests:
// TestCredentialsAreSentAgain, TestRefusedCredentialsOfTheConnectionEndTheClient,
// TestRefusedCredentialsOfACallAreForgotten, TestSASLPrecedesAllElseOnEveryConnection,
// TestSASLFailureEndsTheClient, TestSecretsRotate, TestDigestMD5HidesThePassword, TestPathsOfReplies,
// TestNamesOfReplies.
//
// # Observing
//
// [WithSlog] and [WithLogger] take the log: connections that are lost, and why a server could not
// be used, once for as long as the reason stays the same. [WithRequestHook] sees each call with its
// duration and its error. [WithTrace] prints every record of the connection, and [StartTracer] does
// so between any client and a server. Neither shows passwords. [Conn.State], [Conn.Silence] and
// [Conn.LastZxid] tell how the session is. [FLWSrvr], [FLWRuok] and [FLWCons] ask servers without a
// session.
//
// Examples: ExampleWithRequestHook. Tests: TestRequestHook, TestTrace, TestSlog, TestFLWSrvr.
//
// # Testing
//
// Package zk/zktest is a ZooKeeper inside the test process. It speaks the protocol over TCP, or
// over memory in a bubble of testing/synctest, where a session timeout takes no time. It expires
// sessions, drops connections and loses replies on demand. [StartTestCluster] starts real servers
// instead.
//
// Examples: Example_testing, and those of package zk/zktest.
package zk
