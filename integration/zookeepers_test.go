package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loggers are what a ZooKeeper of 3.4 needs and does not name in its manifest.
const loggers = "-Xbootclasspath/a:" + debianJars + "/slf4j-api.jar:" +
	debianJars + "/slf4j-simple.jar:" + debianJars + "/log4j-1.2.jar"

// otherZooKeepers returns the jars of the versions in zookeepers.txt that zookeepers.sh has
// fetched. It names the others aloud: a package that is gone from the mirror is no fault of the
// code.
func otherZooKeepers(t *testing.T) map[string]string {
	t.Helper()
	list, err := os.ReadFile("zookeepers.txt")
	if err != nil {
		t.Fatal(err)
	}
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(filepath.Dir(strings.TrimSpace(string(goCache))), "zkfs")
	jars := map[string]string{}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		version, _, _ := strings.Cut(line, " ")
		jar := filepath.Join(cache, version, "zookeeper.jar")
		if _, err := os.Stat(jar); err != nil {
			fmt.Fprintf(os.Stderr, "\nNOT TESTED HERE: ZooKeeper %s is not in %s, where make deps puts it\n\n",
				version, cache)
			continue
		}
		jars[version] = jar
	}
	return jars
}
