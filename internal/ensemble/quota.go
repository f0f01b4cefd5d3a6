package ensemble

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/zkfs/zkfs/zk"
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

// HasQuota returns zk.ErrQuotaExceeded if a quota refuses op, a request about the znode at path
// that leaves it with another version than wrong. Where no hard limit is, which is known after a
// first look, it asks no server. The limits are not seen by a mount with a chroot.
func (e *Ensemble) HasQuota(ctx context.Context, path string, op any, wrong int32) error {
	if !e.limited(ctx, path) {
		return nil
	}
	if _, err := e.Do(ctx, quotaQuestion{path, op, wrong}); errors.Is(err, zk.ErrQuotaExceeded) {
		return err
	}
	return nil
}

// limited reports whether a hard limit is known that holds for the znode at path. At most one does:
// there are no quotas inside quotas.
func (e *Ensemble) limited(ctx context.Context, path string) bool {
	quota := quotaRoot
	for rest := path[1:]; ; {
		st, err := e.Stat(ctx, quota)
		if err != nil || st.NumChildren == 0 {
			return false
		}
		if s, err := e.Get(ctx, Join(quota, quotaLimits)); err == nil {
			return hardLimit.Match(s.Data)
		}
		if rest == "" {
			return false
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		quota = Join(quota, name)
	}
}

// quotaQuestion finds out whether a quota refuses Op, a request about the znode at Path that leaves
// it with another version than Wrong. It changes nothing: the transaction that asks has a part that
// fails. An answer other than zk.ErrQuotaExceeded is one for the change itself to get.
type quotaQuestion struct {
	Path  string
	Op    any
	Wrong int32
}

func (c quotaQuestion) about() string { return c.Path }

func (c quotaQuestion) attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error) {
	check := &zk.CheckVersionRequest{Path: c.Path, Version: c.Wrong}
	_, err := e.conn.WithContext(ctx).Multi(c.Op, check)
	return nil, err
}

func (c quotaQuestion) outcome(context.Context, *Ensemble, evidence) error { return errNotMade }
