package fs

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// suiteOn lets TestSuiteOnOtherServers run everything on one server.
var suiteOn = flag.String("suite", "", "run all tests of this package that can hold on a `server` of zktest")

// Why a test can hold on ZooKeeper alone.
const (
	namesOfItsOwn = "names /zookeeper, which no other server has"
	needsWorldACL = "needs rights of world, which ClickHouse Keeper drops"
	needsTree     = "needs a recursive watch that says what has changed"
	needsCounts   = "counts the requests of a mount with a recursive watch"
	needsQuota    = "needs quotas"
	needsWhoAmI   = "needs whoAmI"
	needsAllOfIt  = "needs counts of descendants, containers or TTL nodes"
	needsCreate2  = "needs create2, which not all of them have"
	needsRemoval  = "needs removal of watches, which not all of them have"
	asksTheServer = "counts what the session and the connections that find out what a server has ask"
	needsQuestion = "needs a question about a missing name, which the list of the root answers"
	needsMany     = "counts reads that go together, which RaftKeeper refuses for one without the right"
	needsAnAnswer = "its time is shorter than RaftKeeper takes to show by silence what it lacks"
	needsResuming = "needs a session that outlives its connection"
)

// zooKeeperAlone has the tests that do not hold on the servers that are no ZooKeeper.
var zooKeeperAlone = map[string]string{
	"TestAttributes":                         needsWorldACL,
	"TestCallsOfPrograms":                    needsWorldACL,
	"TestChangesArriveOnce":                  needsWorldACL,
	"TestCommitWhoseTimeIsOverIsMadeOnce":    needsAnAnswer,
	"TestContendedLockIsAName":               namesOfItsOwn,
	"TestCreatingManyFetchesTheNames":        needsCounts,
	"TestExclusiveCreateIsImmediate":         needsTree,
	"TestFailedCommitLeavesNoGhost":          needsWorldACL,
	"TestFileCreatedToBeRead":                needsTree,
	"TestFlockExcludes":                      namesOfItsOwn,
	"TestForgetDuringALookup":                namesOfItsOwn,
	"TestForeignEphemeral":                   namesOfItsOwn,
	"TestInheritedACLIsTrustedBriefly":       needsWorldACL,
	"TestListingAsksForMany":                 needsMany,
	"TestLivesAreLived":                      needsTree,
	"TestLockEndsWithItsProcess":             needsAllOfIt,
	"TestLockNeedsItsACL":                    needsWorldACL,
	"TestLockThatCannotBeMade":               namesOfItsOwn,
	"TestLocksOfReaders":                     needsAllOfIt,
	"TestMaskedACL":                          needsWorldACL,
	"TestMkdirOfALock":                       needsAllOfIt,
	"TestModel":                              needsWorldACL,
	"TestModesAreEnforcedByTheKernel":        needsWorldACL,
	"TestModesCost":                          needsAllOfIt,
	"TestModesFollowTheACL":                  needsWorldACL,
	"TestModesOfACL":                         needsWorldACL,
	"TestModesOfIdentities":                  needsWorldACL,
	"TestMountWithoutAnIdentity":             needsWhoAmI,
	"TestNewFileWithAnACLThatForbidsWriting": needsWorldACL,
	"TestNoPermissionIsAnErrorOfOpen":        needsWorldACL,
	"TestOneWriteIsOneVersion":               needsTree,
	"TestOperationsInZooKeeper":              needsCreate2,
	"TestOvertakenChange":                    needsCreate2,
	"TestQuestionsAreAskedAgain":             needsAllOfIt,
	"TestQuotaIsAnErrorOfOpen":               needsQuota,
	"TestReadingAhead":                       needsCounts,
	"TestRefusedCreationIsNotRemembered":     needsWorldACL,
	"TestRefusedWrite":                       needsTree,
	"TestRename":                             needsTree,
	"TestRequestsForLargeDirectory":          needsCounts,
	"TestRequestsForLargeZnodes":             needsCounts,
	"TestRequestsForReading":                 needsCounts,
	"TestRequestsForWriting":                 needsCounts,
	"TestRules":                              needsWorldACL,
	"TestScratchFilesStayLocal":              needsTree,
	"TestShellRedirection":                   needsTree,
	"TestStand":                              needsResuming,
	"TestStats":                              needsTree,
	"TestTruncationAlone":                    namesOfItsOwn,
	"TestUnlinkAfterAFailedCommit":           needsWorldACL,
	"TestWhatAsksNobody":                     needsCounts,
	"TestWhatIsCalledLikeALockStays":         namesOfItsOwn,
	"TestEphemeral":                          needsWorldACL,
	"TestEviction":                           needsRemoval,
	"TestInterrupt":                          needsQuestion,
	"TestPokesAskNothing":                    needsTree,
	"TestPokesStayOnTheMount":                needsTree,
	"TestUnlockingIsBounded":                 needsAnAnswer,
	"TestWarmReadsAskNobody":                 asksTheServer,
	"TestWhatIsNoEphemeral":                  needsWorldACL,
	"TestEveryServer":                        "names its servers",
	"TestRequestsForLargeDirectoryOfKeeper":  "names its server",
	"TestSuiteOnOtherServers":                "runs the others",
}

// everywhere are the tests that run on two ClickHouse Keepers each time: each is quick, and shows
// another side of what a mount promises.
var everywhere = []string{
	"TestAppend", "TestChangesByOthersAreSeen", "TestChangesThatAreNotCommitted", "TestCommitWrite",
	"TestConflictFail", "TestContenderComesFirst", "TestDeletedAndCreatedAgain",
	"TestDeleteOfTheVersionSeen", "TestDirectories", "TestDirectoryData", "TestDraft",
	"TestFcntlLocks", "TestFileBecomesDirectory", "TestFileDeletedWhileOpen",
	"TestIdleLockGoesWithItsFile", "TestLargeReadsAreOfOneVersion", "TestLockFileShowsTheQueue",
	"TestLockIsTheRecipe", "TestLostLock", "TestLostReplies", "TestMaxAge", "TestNewSession",
	"TestNothingOlderIsShown", "TestOpenFileFollows",
	"TestOwnWriteKeepsTheWatch", "TestReadOnly", "TestReadYourWrites",
	"TestReadsAreNotTorn", "TestReconnect", "TestRenameOfAnOpenFile", "TestRootIsADirectory",
	"TestRootIsMadeAnew", "TestServerAway", "TestSharedLocks", "TestSync", "TestTouch",
	"TestTruncate", "TestUnlinkedFile", "TestUnreadableZnodeIsListed", "TestWatchesOfDataAndChildren",
}

// Tests of this package hold on other servers than the one that they are written for: some each
// time, and with -suite all but those of zooKeeperAlone.
func TestSuiteOnOtherServers(t *testing.T) {
	known := strings.Fields(string(self(t, "-test.list=.")))
	for _, name := range slices.Concat(everywhere, slices.Collect(maps.Keys(zooKeeperAlone))) {
		if !slices.Contains(known, name) {
			t.Errorf("there is no %s", name)
		}
	}
	some := "-test.run=^(" + strings.Join(everywhere, "|") + ")$"
	runs := map[string][]string{"clickhouse-25.8": {some}, "clickhouse-latest": {some}}
	if *suiteOn != "" {
		not := slices.Sorted(maps.Keys(zooKeeperAlone))
		runs = map[string][]string{
			*suiteOn: {"-test.v", "-test.skip=^(" + strings.Join(not, "|") + ")$"},
		}
	}
	for name, args := range runs {
		t.Run(name, func(t *testing.T) {
			out := self(t, append(args, "-server="+name)...)
			t.Logf("%s", out)
			if !strings.HasSuffix(strings.TrimSpace(string(out)), "PASS") {
				t.Error("it does not say PASS")
			}
		})
	}
}

// self runs this test binary in a process of its own.
func self(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), os.Args[0], args...).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w\n%s", args, err, out))
	}
	return out
}
