package checkout

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
)

// Format is the version of the format of a [State].
const Format = 1

// A State is what a directory was last known to hold of which versions. It is a file of lines of
// JSON: a header, and a line for each znode in the order of their paths.
type State struct {
	Source string // as the command line named it
	Root   string // of the tree, from the root of the ensemble
	Czxid  int64  // of the znode at the root
	Known  map[string]Known
}

// A Known is the version of a znode that the data in the directory is, or is based on.
type Known struct {
	Czxid   int64
	Version int32
	Sum     Sum
}

// unknown is a version that no znode has.
const unknown = -1

// knownOf returns the version of a znode.
func knownOf(z *Znode) Known { return Known{z.Stat.Czxid, z.Stat.Version, z.Sum} }

// of reports whether a znode is still in the version.
func (k Known) of(z *Znode) bool {
	return k.Czxid == z.Stat.Czxid && k.Version == z.Stat.Version
}

type stateHeader struct {
	Format int    `json:"format"`
	Source string `json:"source"`
	Root   string `json:"root"`
	Czxid  string `json:"czxid"`
	Znodes int    `json:"znodes"`
}

type stateLine struct {
	Path    string `json:"path"`
	Czxid   string `json:"czxid"`
	Version int32  `json:"version"`
	SHA256  string `json:"sha256"`
}

// ErrState says that a [State] is none that Save has written.
var ErrState = errors.New(StateName + " is not as zkfs pull writes it")

// LoadState reads the state of a directory, nil if it has none. Nothing in it is trusted: it can be
// that of another user.
func LoadState(root *os.Root) (*State, error) {
	info, err := root.Lstat(StateName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, ErrState
	}
	f, err := root.Open(StateName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	d.DisallowUnknownFields()
	var h stateHeader
	if err := d.Decode(&h); err != nil {
		return nil, ErrState
	}
	if h.Format != Format {
		return nil, fmt.Errorf("%s is of format %d: this zkfs knows format %d", StateName, h.Format, Format)
	}
	s := &State{Source: h.Source, Root: h.Root, Known: map[string]Known{}}
	if s.Czxid, err = strconv.ParseInt(h.Czxid, 0, 64); err != nil || !isPath(h.Root) {
		return nil, ErrState
	}
	for {
		var l stateLine
		err := d.Decode(&l)
		if err == io.EOF && len(s.Known) == h.Znodes {
			return s, nil
		}
		if err != nil || s.add(&l) != nil {
			return nil, ErrState
		}
	}
}

func (s *State) add(l *stateLine) error {
	k := Known{Version: l.Version}
	czxid, err := strconv.ParseInt(l.Czxid, 0, 64)
	sum, bad := hex.DecodeString(l.SHA256)
	_, twice := s.Known[l.Path]
	if err != nil || bad != nil || len(sum) != len(k.Sum) || twice || !isPath(l.Path) {
		return ErrState
	}
	k.Czxid, k.Sum = czxid, Sum(sum)
	s.Known[l.Path] = k
	return nil
}

// isPath reports whether text is the path of a znode.
func isPath(text string) bool {
	if text == "/" {
		return true
	}
	rest, ok := strings.CutPrefix(text, "/")
	return ok && !slices.ContainsFunc(strings.Split(rest, "/"), func(name string) bool { return !names.Valid(name) })
}

// Save writes the state of a directory.
func (s *State) Save(root *os.Root) error {
	return replace(root, StateName, 0o600, func(w io.Writer) error {
		e := json.NewEncoder(w)
		err := e.Encode(stateHeader{Format, s.Source, s.Root, fmt.Sprintf("%#x", s.Czxid), len(s.Known)})
		for _, path := range slices.SortedFunc(maps.Keys(s.Known), cut.Compare) {
			k := s.Known[path]
			err = errors.Join(err, e.Encode(stateLine{path, fmt.Sprintf("%#x", k.Czxid), k.Version,
				hex.EncodeToString(k.Sum[:])}))
		}
		return err
	})
}

// replace writes a file as a whole.
func replace(root *os.Root, name string, mode os.FileMode, write func(io.Writer) error) error {
	if err := root.Remove(partName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(partName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := errors.Join(write(w), w.Flush(), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(partName))
	}
	return root.Rename(partName, name)
}
