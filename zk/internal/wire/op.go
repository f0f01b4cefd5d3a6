package wire

import "strconv"

// Op is the type of a request (ZooDefs.OpCode).
type Op int32

const (
	OpNotification         Op = 0
	OpCreate               Op = 1
	OpDelete               Op = 2
	OpExists               Op = 3
	OpGetData              Op = 4
	OpSetData              Op = 5
	OpGetACL               Op = 6
	OpSetACL               Op = 7
	OpGetChildren          Op = 8
	OpSync                 Op = 9
	OpPing                 Op = 11
	OpGetChildren2         Op = 12
	OpCheck                Op = 13
	OpMulti                Op = 14
	OpCreate2              Op = 15
	OpReconfig             Op = 16
	OpCheckWatches         Op = 17
	OpRemoveWatches        Op = 18
	OpCreateContainer      Op = 19
	OpCreateTTL            Op = 21
	OpMultiRead            Op = 22
	OpAuth                 Op = 100
	OpSetWatches           Op = 101
	OpSasl                 Op = 102
	OpGetEphemerals        Op = 103
	OpGetAllChildrenNumber Op = 104
	OpSetWatches2          Op = 105
	OpAddWatch             Op = 106
	OpWhoAmI               Op = 107
	OpCreateSession        Op = -10
	OpCloseSession         Op = -11
	OpError                Op = -1

	// Those of ClickHouse Keeper alone (ZooKeeperConstants.h).
	OpFilteredList         Op = 500
	OpCheckNotExists       Op = 501
	OpCreateIfNotExists    Op = 502
	OpRemoveRecursive      Op = 503
	OpCheckStat            Op = 504
	OpTryRemove            Op = 505
	OpFilteredListWithData Op = 506
	OpListRecursive        Op = 507
)

// Xids that are not counters (ClientCnxn.java). Replies to them come outside the order of the others.
const (
	XidNotification int32 = -1
	XidPing         int32 = -2
	XidAuth         int32 = -4
	XidSetWatches   int32 = -8
)

// XidClose is the xid by which ClickHouse Keeper knows the end of a session. No other request may have it.
const XidClose int32 = 1<<31 - 1

var opNames = map[Op]string{
	OpNotification:         "notification",
	OpCreate:               "create",
	OpDelete:               "delete",
	OpExists:               "exists",
	OpGetData:              "getData",
	OpSetData:              "setData",
	OpGetACL:               "getACL",
	OpSetACL:               "setACL",
	OpGetChildren:          "getChildren",
	OpSync:                 "sync",
	OpPing:                 "ping",
	OpGetChildren2:         "getChildren2",
	OpCheck:                "check",
	OpMulti:                "multi",
	OpCreate2:              "create2",
	OpReconfig:             "reconfig",
	OpCheckWatches:         "checkWatches",
	OpRemoveWatches:        "removeWatches",
	OpCreateContainer:      "createContainer",
	OpCreateTTL:            "createTTL",
	OpMultiRead:            "multiRead",
	OpAuth:                 "auth",
	OpSetWatches:           "setWatches",
	OpSasl:                 "sasl",
	OpGetEphemerals:        "getEphemerals",
	OpGetAllChildrenNumber: "getAllChildrenNumber",
	OpSetWatches2:          "setWatches2",
	OpAddWatch:             "addWatch",
	OpWhoAmI:               "whoAmI",
	OpCreateSession:        "createSession",
	OpCloseSession:         "closeSession",
	OpError:                "error",
	OpFilteredList:         "filteredList",
	OpCheckNotExists:       "checkNotExists",
	OpCreateIfNotExists:    "createIfNotExists",
	OpRemoveRecursive:      "removeRecursive",
	OpCheckStat:            "checkStat",
	OpTryRemove:            "tryRemove",
	OpFilteredListWithData: "filteredListWithData",
	OpListRecursive:        "listRecursive",
}

// String returns ZooKeeper's name of the operation, or its number.
func (o Op) String() string {
	if name, ok := opNames[o]; ok {
		return name
	}
	return strconv.Itoa(int(o))
}
