package wire

import "strconv"

// Code is the error code in a reply (KeeperException.java Code, zookeeper.h).
type Code int32

const (
	CodeOK                       Code = 0
	CodeSystemError              Code = -1
	CodeRuntimeInconsistency     Code = -2
	CodeDataInconsistency        Code = -3
	CodeConnectionLoss           Code = -4
	CodeMarshallingError         Code = -5
	CodeUnimplemented            Code = -6
	CodeOperationTimeout         Code = -7
	CodeBadArguments             Code = -8
	CodeUnknownSession           Code = -12
	CodeNewConfigNoQuorum        Code = -13
	CodeReconfigInProgress       Code = -14
	CodeAPIError                 Code = -100
	CodeNoNode                   Code = -101
	CodeNoAuth                   Code = -102
	CodeBadVersion               Code = -103
	CodeNoChildrenForEphemerals  Code = -108
	CodeNodeExists               Code = -110
	CodeNotEmpty                 Code = -111
	CodeSessionExpired           Code = -112
	CodeInvalidCallback          Code = -113
	CodeInvalidACL               Code = -114
	CodeAuthFailed               Code = -115
	CodeClosing                  Code = -116
	CodeNothing                  Code = -117
	CodeSessionMoved             Code = -118
	CodeNotReadOnly              Code = -119
	CodeEphemeralOnLocalSession  Code = -120
	CodeNoWatcher                Code = -121
	CodeRequestTimeout           Code = -122
	CodeReconfigDisabled         Code = -123
	CodeSessionClosedRequireSasl Code = -124
	CodeQuotaExceeded            Code = -125
	CodeThrottledOp              Code = -127
)

var codeNames = map[Code]string{
	CodeOK:                       "ok",
	CodeSystemError:              "SystemError",
	CodeRuntimeInconsistency:     "RuntimeInconsistency",
	CodeDataInconsistency:        "DataInconsistency",
	CodeConnectionLoss:           "ConnectionLoss",
	CodeMarshallingError:         "MarshallingError",
	CodeUnimplemented:            "Unimplemented",
	CodeOperationTimeout:         "OperationTimeout",
	CodeBadArguments:             "BadArguments",
	CodeUnknownSession:           "UnknownSession",
	CodeNewConfigNoQuorum:        "NewConfigNoQuorum",
	CodeReconfigInProgress:       "ReconfigInProgress",
	CodeAPIError:                 "APIError",
	CodeNoNode:                   "NoNode",
	CodeNoAuth:                   "NoAuth",
	CodeBadVersion:               "BadVersion",
	CodeNoChildrenForEphemerals:  "NoChildrenForEphemerals",
	CodeNodeExists:               "NodeExists",
	CodeNotEmpty:                 "NotEmpty",
	CodeSessionExpired:           "SessionExpired",
	CodeInvalidCallback:          "InvalidCallback",
	CodeInvalidACL:               "InvalidACL",
	CodeAuthFailed:               "AuthFailed",
	CodeClosing:                  "Closing",
	CodeNothing:                  "Nothing",
	CodeSessionMoved:             "SessionMoved",
	CodeNotReadOnly:              "NotReadOnly",
	CodeEphemeralOnLocalSession:  "EphemeralOnLocalSession",
	CodeNoWatcher:                "NoWatcher",
	CodeRequestTimeout:           "RequestTimeout",
	CodeReconfigDisabled:         "ReconfigDisabled",
	CodeSessionClosedRequireSasl: "SessionClosedRequireSasl",
	CodeQuotaExceeded:            "QuotaExceeded",
	CodeThrottledOp:              "ThrottledOp",
}

// String returns ZooKeeper's name of the code, or its number.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}
