package fs

import (
	"context"
	"regexp"
	"strings"
)

// Quotas are znodes below /zookeeper/quota: the limits of /app are the data of
// /zookeeper/quota/app/zookeeper_limits. Servers since 3.7 refuse what goes beyond a hard limit, if
// their configuration says so (enforceQuota). A program would learn that at close, which shells do
// not look at. So it is found out at open where there is such a limit.
const (
	quotaRoot   = "/zookeeper/quota"
	quotaLimits = "zookeeper_limits"
)

// hardLimit matches limits that a server may enforce, as in
// count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=-1.
var hardLimit = regexp.MustCompile(`(byte|count)HardLimit=[0-9]`)

// hasQuota returns zk.ErrQuotaExceeded if a quota refuses op; see hasRoom. Where no hard limit is,
// which is known after a first look, it asks nobody. The limits are not seen by a mount with a
// chroot.
func (e *Ensemble) hasQuota(ctx context.Context, path string, op any, wrong int32) error {
	if !e.limited(ctx, path) {
		return nil
	}
	return e.hasRoom(ctx, op, path, wrong)
}

// limited reports whether a hard limit is known that holds for the znode at path. At most one does:
// there are no quotas inside quotas.
func (e *Ensemble) limited(ctx context.Context, path string) bool {
	quota := quotaRoot
	for rest := path[1:]; ; {
		st, err := e.stat(ctx, quota)
		if err != nil || st.NumChildren == 0 {
			return false
		}
		if s, err := e.get(ctx, join(quota, quotaLimits)); err == nil {
			return hardLimit.Match(s.data)
		}
		if rest == "" {
			return false
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		quota = join(quota, name)
	}
}
