package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
)

// A recipe is played by package recipes and by a counterpart on the same znodes.
type interop struct {
	*testing.T
	ctx    context.Context
	c      *zk.Conn
	theirs *player
	path   string
}

// do lets the counterpart play, and fails if it does not answer that it is done.
func (i *interop) do(order string, argument ...any) { i.want("done", order, argument...) }

func (i *interop) want(answer, order string, argument ...any) {
	i.Helper()
	i.begin(order, argument...)
	i.theirs.want(answer)
}

// begin lets the counterpart play something that takes until it is answered by want of the player.
func (i *interop) begin(order string, argument ...any) {
	i.theirs.start(order, append([]any{i.path}, argument...)...)
}

func (i *interop) ok(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

// later runs f and returns where its error comes.
func later(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }() // ends with f
	return done
}

var interops = map[string]func(*interop){
	"barrier": func(i *interop) {
		b := recipes.NewBarrier(i.c, i.path, openACL)
		i.do("barrier set")
		waits := later(func() error { return b.Wait(i.ctx) })
		i.do("barrier remove")
		i.ok(<-waits)
		i.ok(b.Set(i.ctx))
		i.begin("barrier wait")
		i.theirs.waits()
		i.ok(b.Remove(i.ctx))
		i.theirs.want("done")
	},
	"double": func(i *interop) {
		for range 3 {
			b := recipes.NewDoubleBarrier(i.c, i.path, 2, openACL)
			i.begin("double enter", 2)
			i.ok(b.Enter(i.ctx))
			i.theirs.want("done")
			leaves := later(func() error { return b.Leave(i.ctx) })
			i.do("double leave")
			i.ok(<-leaves)
		}
	},
	"election": func(i *interop) {
		lead := func(e *recipes.Election) (leads <-chan struct{}, over <-chan error) {
			begun := make(chan struct{})
			return begun, later(func() error {
				return e.Lead(i.ctx, func(reign context.Context, fence int64) error {
					close(begun)
					<-reign.Done()
					return nil
				})
			})
		}
		i.do("election lead")
		e := recipes.NewElection(i.c, i.path, []byte("ours"), openACL)
		leads, over := lead(e)
		contenders(i.T, i.c, i.path, 2)
		select {
		case <-leads:
			i.Fatal("two lead")
		default:
		}
		i.do("election resign")
		<-leads
		i.begin("election lead")
		contenders(i.T, i.c, i.path, 2)
		i.theirs.waits()
		e.Resign()
		i.ok(<-over)
		i.theirs.want("done")
		i.do("election resign")
	},
	"semaphore": func(i *interop) {
		s := recipes.NewSemaphore(i.c, i.path, 2, openACL)
		first, err := s.Acquire(i.ctx, nil)
		i.ok(err)
		i.do("semaphore acquire", 2)
		third := later(func() error {
			lease, err := s.Acquire(i.ctx, nil)
			if err == nil {
				err = lease.Release(i.ctx)
			}
			return err
		})
		i.children("leases", 3)
		i.do("semaphore release")
		i.ok(<-third)
		second, err := s.Acquire(i.ctx, nil)
		i.ok(err)
		i.begin("semaphore acquire", 2)
		i.children("leases", 3)
		i.theirs.waits()
		i.ok(first.Release(i.ctx))
		i.theirs.want("done")
		i.ok(second.Release(i.ctx))
		i.do("semaphore release")
	},
	"queue": func(i *interop) {
		q := recipes.NewQueue(i.c, i.path, openACL)
		i.do("queue put", "one")
		i.ok(q.Put(i.ctx, []byte("two")))
		item, err := q.Take(i.ctx)
		i.ok(err)
		i.want("two", "queue take")
		if string(item.Data) != "one" {
			i.Errorf("took %q", item.Data)
		}
		i.want("True", "queue done")
		i.ok(item.Release(i.ctx))
		i.want("one", "queue take")
		i.want("True", "queue done")
		if n, err := q.Len(i.ctx); n != 0 || err != nil {
			i.Errorf("%d items are left, %v", n, err)
		}
	},
	"int32": func(i *interop) {
		k := recipes.NewCounter(i.c, i.path, recipes.Int32, openACL)
		i.want("-5", "int32 set", -5)
		n, err := k.Add(i.ctx, 12)
		i.ok(err)
		i.want(fmt.Sprint(n), "int32 get")
	},
	"int64":   func(i *interop) { i.count(recipes.Int64, "int64 add") },
	"decimal": func(i *interop) { i.count(recipes.Decimal, "decimal add") },
	"node": func(i *interop) {
		i.do("node keep", "theirs")
		ours := recipes.Persist(i.ctx, i.c, i.path, []byte("ours"), openACL)
		i.do("node close")
		i.ok(ours.Wait(i.ctx))
		i.ok(ours.Close(i.ctx))
	},
}

// count lets both add.
func (i *interop) count(f recipes.Form, add string) {
	i.Helper()
	k := recipes.NewCounter(i.c, i.path, f, openACL)
	n, err := k.Add(i.ctx, 40)
	i.ok(err)
	i.want(fmt.Sprint(n+2), add, 2)
	if n, err := k.Get(i.ctx); n != 42 || err != nil {
		i.Errorf("%d, %v", n, err)
	}
}

// children waits until a znode below the recipe's has n children.
func (i *interop) children(name string, n int) {
	i.Helper()
	eventually(i.T, func() error {
		names, _, err := i.c.Children(i.path + "/" + name)
		if err == nil && len(names) != n {
			err = fmt.Errorf("%q are there, want %d", names, n)
		}
		return err
	})
}

// group lets both be members. The names of kazoo's members are random, and what it shows is their
// data.
func group(name string) func(*interop) {
	return func(i *interop) {
		i.do("group join", "theirs")
		g := recipes.Join(i.ctx, i.c, i.path, name, []byte("ours"), openACL)
		i.ok(g.Wait(i.ctx))
		eventually(i.T, func() error {
			if n := len(g.Members()); n != 2 {
				return fmt.Errorf("%d members", n)
			}
			i.begin("group members")
			if got := i.theirs.Answer(); got != "ours theirs" {
				return fmt.Errorf("they see %q", got)
			}
			return nil
		})
		i.do("group leave")
		eventually(i.T, func() error {
			if n := len(g.Members()); n != 1 {
				return fmt.Errorf("%d members", n)
			}
			return nil
		})
		i.ok(g.Leave(i.ctx))
	}
}

// The counterparts of Curator and of kazoo take part in each recipe that they have in this form.
func TestRecipesOfOtherClients(t *testing.T) {
	t.Parallel()
	for name, side := range map[string]struct {
		command []string
		recipes string
		member  string
	}{
		"Curator": {javaPlayer(t, "testdata/recipes/Recipes.java"),
			"barrier double election semaphore int32 int64 node", "ours"},
		"kazoo": {pythonPlayer("../recipes/player.py"),
			"barrier double election queue decimal", "0123__party__"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := addr(shared.Servers[0])
			theirs := play(t, name, append(slices.Clone(side.command), server)...)
			c := connect(t, []string{server})
			try := func(recipe string, f func(*interop)) {
				t.Run(recipe, func(t *testing.T) {
					f(&interop{t, t.Context(), c, theirs, newRoot(t) + "/" + recipe})
				})
			}
			for _, recipe := range strings.Fields(side.recipes) {
				try(recipe, interops[recipe])
			}
			try("group", group(side.member))
		})
	}
}
