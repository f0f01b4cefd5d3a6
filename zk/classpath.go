package zk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// debianJars is where Debian's packages put Java libraries.
const debianJars = "/usr/share/java"

// systemJars are the places where a server may be installed, tried in this order when neither a jar nor a
// distribution is named.
var systemJars = []string{
	debianJars + "/zookeeper.jar",
	"zookeeper-*/contrib/fatjar/zookeeper-*-fatjar.jar",
	"../zookeeper-*/contrib/fatjar/zookeeper-*-fatjar.jar",
	"/usr/local/zookeeper-*/contrib/fatjar/zookeeper-*-fatjar.jar",
	"/usr/local/Cellar/zookeeper/*/libexec/contrib/fatjar/zookeeper-*-fatjar.jar",
}

var errNoZooKeeper = errors.New("zk: no ZooKeeper server found: apt-get install libzookeeper-java, " +
	"or set ZOOKEEPER_HOME to an unpacked distribution")

var errNoJava = errors.New("zk: no java found: apt-get install default-jre-headless, or set JAVA_HOME")

// classPath returns the class path of the server: that of jar if it is not empty, else of the distribution that
// ZOOKEEPER_HOME or ZOOKEEPER_PATH names, else of the first of the glob patterns in system that matches.
func classPath(jar string, getenv func(string) string, system []string) ([]string, error) {
	if jar != "" {
		if _, err := os.Stat(jar); err != nil {
			return nil, fmt.Errorf("zk: no ZooKeeper server: %w", err)
		}
		return jarClassPath(jar), nil
	}
	for _, name := range []string{"ZOOKEEPER_HOME", "ZOOKEEPER_PATH"} {
		home := getenv(name)
		if home == "" {
			continue
		}
		if cp := homeClassPath(home); cp != nil {
			return cp, nil
		}
		return nil, fmt.Errorf("zk: no ZooKeeper server in %s=%s", name, home)
	}
	for _, pattern := range system {
		if jar := firstMatch(pattern); jar != "" {
			return jarClassPath(jar), nil
		}
	}
	return nil, errNoZooKeeper
}

// jarClassPath returns the class path of a server that one jar stands for: a fat jar holds everything,
// Debian's zookeeper.jar names what it needs in its manifest.
func jarClassPath(jar string) []string {
	if filepath.Base(jar) != "zookeeper.jar" {
		return []string{jar}
	}
	return []string{
		// The manifest points at the jute of /usr/share/java, which is of another version
		// when this package is unpacked elsewhere. Java skips what does not exist.
		filepath.Join(filepath.Dir(jar), "zookeeper-jute.jar"),
		jar,
		// What the manifest lacks: a logger, and parts of netty that TLS needs.
		filepath.Join(debianJars, "slf4j-simple.jar"),
		filepath.Join(debianJars, "netty-codec.jar"),
		filepath.Join(debianJars, "netty-resolver.jar"),
	}
}

// homeClassPath returns the class path of the distribution in home, nil if there is none: an unpacked release of
// any version, or the jars of Debian's package unpacked elsewhere.
func homeClassPath(home string) []string {
	if jar := firstMatch(filepath.Join(home, "zookeeper.jar")); jar != "" {
		return jarClassPath(jar)
	}
	for _, pattern := range []string{"lib/zookeeper-[0-9]*.jar", "zookeeper-[0-9]*.jar"} {
		if firstMatch(filepath.Join(home, pattern)) != "" {
			return []string{filepath.Join(home, "conf"), filepath.Join(home, "*"), filepath.Join(home, "lib", "*")}
		}
	}
	if jar := firstMatch(filepath.Join(home, "contrib/fatjar/zookeeper-*-fatjar.jar")); jar != "" {
		return jarClassPath(jar)
	}
	return nil
}

// firstMatch returns the first file that matches the glob pattern, "" if none does.
func firstMatch(pattern string) string {
	names, _ := filepath.Glob(pattern) // the only error is a malformed pattern, which matches nothing
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// javaCommand returns the Java to run: that of JAVA_HOME if set, else the first in PATH.
func javaCommand(getenv func(string) string) (string, error) {
	if home := getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java"), nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", errNoJava
	}
	return java, nil
}
