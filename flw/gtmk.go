package flw

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
)

// ParseGtmk reads a reply to gtmk: the mask that says what the server traces (ZooTrace), 306 by default.
func ParseGtmk(reply string) (mask int64, err error) {
	mask, err = strconv.ParseInt(strings.TrimSpace(reply), 10, 64)
	if err != nil {
		return 0, notA("gtmk", reply)
	}
	return mask, nil
}

// SetTraceMask sends stmk, the one word that takes an argument: the mask of what the server traces from
// then on. It returns the mask that the server confirms. Bounds and errors are those of [Client.Ask].
func (c *Client) SetTraceMask(ctx context.Context, server string, mask int64) (int64, error) {
	text, err := c.exchange(ctx, server, binary.BigEndian.AppendUint64([]byte("stmk"), uint64(mask)), maxShortReply)
	if err == nil {
		err = refusal("stmk", text)
	}
	if err != nil {
		return 0, err
	}
	return ParseGtmk(text)
}
