package zk_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/api"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// beyond names the fields that types have besides the documented ones.
var beyond = map[string][]string{
	"Event":              {"Zxid int64"},
	"MultiResponse":      {"Error error"},
	"Server":             {"JVMFlags []string"},
	"ServerConfig":       {"Extra []string"},
	"ServerConfigServer": {"ClientPort int"},
	"ServerStats":        {"Server string", "AvgLatencyMs float64"},
}

// TestAPI holds the package against its documentation, symbol by symbol.
func TestAPI(t *testing.T) {
	pkg, err := api.Load(".", "github.com/zkfs/zkfs/zk")
	if err != nil {
		t.Fatal(err)
	}
	texts := errorTexts(t)
	have := map[string]bool{}
	for _, line := range api.Lines(pkg) {
		have[documented(line)] = true
	}
	doc, err := os.ReadFile("testdata/api.txt")
	if err != nil {
		t.Fatal(err)
	}
	symbols := 0
	for line := range strings.Lines(string(doc)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		symbols++
		symbol, text, hasText := strings.Cut(strings.TrimSuffix(line, `"`), ` "`)
		if !have[symbol] {
			t.Errorf("missing or different: %s", symbol)
		}
		name := strings.Fields(symbol)[1]
		if hasText && texts[name] != text {
			t.Errorf("%s says %q, want %q", name, texts[name], text)
		}
	}
	if symbols < 100 {
		t.Errorf("only %d symbols are documented", symbols)
	}
}

// documented takes out of the line of a struct the fields that are beyond the documentation.
func documented(line string) string {
	prefix, fields, ok := strings.Cut(line, " struct { ")
	if !ok {
		return line
	}
	more := beyond[strings.TrimPrefix(prefix, "type ")]
	list := strings.Split(strings.TrimSuffix(fields, " }"), "; ")
	list = slices.DeleteFunc(list, func(field string) bool { return slices.Contains(more, field) })
	return prefix + " struct { " + strings.Join(list, "; ") + " }"
}

// errorTexts returns the texts of the variables that the package makes by errors.New.
func errorTexts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if call, ok := spec.Values[0].(*ast.CallExpr); ok && len(call.Args) == 1 {
				if text, ok := call.Args[0].(*ast.BasicLit); ok {
					texts[spec.Names[0].Name] = strings.Trim(text.Value, `"`)
				}
			}
			return true
		})
	}
	return texts
}

// Connect takes options, which its documentation does not have: the documented calls compile, and those of programs
// that bring options of their own.
func TestFormsOfConnect(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	servers := []string{server.Addr()}
	forms := map[string]func() (*zk.Conn, <-chan zk.Event, error){
		"Connect": func() (*zk.Conn, <-chan zk.Event, error) {
			return zk.Connect(servers, timeout)
		},
		"ConnectWithDialer": func() (*zk.Conn, <-chan zk.Event, error) {
			return zk.ConnectWithDialer(servers, timeout, net.DialTimeout)
		},
		"ConnectWithDialer without one": func() (*zk.Conn, <-chan zk.Event, error) {
			return zk.ConnectWithDialer(servers, timeout, nil)
		},
		"Connect with options": func() (*zk.Conn, <-chan zk.Event, error) {
			return zk.Connect(servers, timeout, zk.WithHostProvider(zk.NewDNSHostProvider()), func(c *zk.Conn) { c.SetLogger(silence{}) })
		},
		"Connect with a slice of options": func() (*zk.Conn, <-chan zk.Event, error) {
			options := []zk.Option{quiet, func(c *zk.Conn) { c.SetLogger(silence{}) }}
			return zk.Connect(servers, timeout, append(options, zk.WithReadOnly())...)
		},
		"Connect with a slice of functions": func() (*zk.Conn, <-chan zk.Event, error) {
			return zk.Connect(servers, timeout, []func(*zk.Conn){quiet}...)
		},
	}
	for name, connect := range forms {
		t.Run(name, func(t *testing.T) {
			c, events, err := connect()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			await(t, events, zk.StateHasSession)
		})
	}
}

func TestConnectNeedsAServer(t *testing.T) {
	const want = "zk: server list must not be empty"
	for _, list := range [][]string{nil, {}} {
		if _, _, err := zk.Connect(list, time.Second); fmt.Sprint(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
