package integration

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// debianJars is the folder of the jars of Debian's packages.
const debianJars = "/usr/share/java"

// fatJar returns a jar with everything that a server needs: Debian's, and the libraries that it uses.
func fatJar(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zookeeper-3.8.0-fatjar.jar")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := zip.NewWriter(file)
	seen := map[string]bool{}
	for _, pattern := range []string{
		"zookeeper.jar", "zookeeper-jute.jar", "slf4j-api.jar", "slf4j-simple.jar",
		"metrics-core.jar", "snappy-java.jar", "netty-*.jar", "commons-*.jar",
	} {
		jars, err := filepath.Glob(filepath.Join(debianJars, pattern))
		if err != nil || jars == nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, jar := range jars {
			addJar(t, w, jar, seen)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// addJar copies the files of a jar, but for those that are there already.
func addJar(t *testing.T, w *zip.Writer, jar string, seen map[string]bool) {
	t.Helper()
	r, err := zip.OpenReader(jar)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, f := range r.File {
		if seen[f.Name] || strings.HasPrefix(f.Name, "META-INF/") {
			continue
		}
		seen[f.Name] = true
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServerOfAFatJar(t *testing.T) {
	t.Parallel()
	jar := fatJar(t)
	ts := cluster(t, 1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) { srv.JarPath = jar })
	if answer, err := ask(addr(ts.Servers[0]), "envi"); err != nil || !strings.Contains(answer, "java.class.path="+jar+"\n") {
		t.Errorf("the class path is not the jar: %q, error %v", answer, err)
	}
}

// The distribution is made of links to Debian's jars, in the form of a release.
func TestServerOfADistribution(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, jar := range map[string]string{
		"zookeeper-3.8.0.jar": "zookeeper.jar", "zookeeper-jute-3.8.0.jar": "zookeeper-jute.jar", "slf4j-simple.jar": "slf4j-simple.jar",
	} {
		if err := os.Symlink(filepath.Join(debianJars, jar), filepath.Join(home, "lib", link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ZOOKEEPER_HOME", home)
	ts := cluster(t, 1, nil)
	answer, err := ask(addr(ts.Servers[0]), "envi")
	if err != nil || !strings.Contains(answer, home+"/lib/zookeeper-3.8.0.jar") {
		t.Errorf("the class path is not that of the distribution: %q, error %v", answer, err)
	}
}
