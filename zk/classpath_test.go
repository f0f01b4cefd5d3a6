package zk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// touch makes empty files below dir and returns dir.
func touch(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// env is an environment for tests.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestClassPath(t *testing.T) {
	fat := "contrib/fatjar/zookeeper-3.4.14-fatjar.jar"
	release := touch(t, "lib/zookeeper-3.9.3.jar", "lib/zookeeper-jute-3.9.3.jar", "conf/logback.xml")
	old := touch(t, "zookeeper-3.4.14.jar", "lib/slf4j-api-1.7.25.jar")
	oldFat := touch(t, fat)
	debian := touch(t, "zookeeper.jar", "zookeeper-jute.jar")
	releasePath := func(home string) []string { return []string{home + "/conf", home + "/*", home + "/lib/*"} }
	debianPath := []string{
		debian + "/zookeeper-jute.jar", debian + "/zookeeper.jar",
		"/usr/share/java/slf4j-simple.jar", "/usr/share/java/netty-codec.jar", "/usr/share/java/netty-resolver.jar",
	}
	tests := []struct {
		name   string
		jar    string
		env    env
		system []string
		want   []string
	}{
		{"a fat jar", oldFat + "/" + fat, nil, nil, []string{oldFat + "/" + fat}},
		{"a jar comes before the environment", oldFat + "/" + fat, env{"ZOOKEEPER_HOME": release}, nil, []string{oldFat + "/" + fat}},
		{"the jar of a Debian package", debian + "/zookeeper.jar", nil, nil, debianPath},
		{"a release", "", env{"ZOOKEEPER_HOME": release}, nil, releasePath(release)},
		{"a release of 3.4", "", env{"ZOOKEEPER_PATH": old}, nil, releasePath(old)},
		{"a release with only a fat jar", "", env{"ZOOKEEPER_PATH": oldFat}, nil, []string{oldFat + "/" + fat}},
		{"an unpacked Debian package", "", env{"ZOOKEEPER_HOME": debian}, nil, debianPath},
		{"the environment comes before the system", "", env{"ZOOKEEPER_PATH": old}, []string{debian + "/zookeeper.jar"}, releasePath(old)},
		{"the first of the system", "", nil, []string{"/nonexistent/*.jar", oldFat + "/contrib/*/*.jar", debian + "/zookeeper.jar"}, []string{oldFat + "/" + fat}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := classPath(tt.jar, tt.env.get, tt.system)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClassPathWithoutServer(t *testing.T) {
	empty := t.TempDir()
	tests := []struct {
		name string
		jar  string
		env  env
		want string // part of the error
	}{
		{"nothing installed", "", nil, "apt-get install libzookeeper-java"},
		{"no such jar", empty + "/fat.jar", nil, empty + "/fat.jar"},
		{"no server in the distribution", "", env{"ZOOKEEPER_HOME": empty}, "ZOOKEEPER_HOME=" + empty},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := classPath(tt.jar, tt.env.get, []string{empty + "/*.jar"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, error %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestJavaCommand(t *testing.T) {
	if got, err := javaCommand(env{"JAVA_HOME": "/opt/jdk"}.get); got != "/opt/jdk/bin/java" || err != nil {
		t.Errorf("with JAVA_HOME: %q, %v", got, err)
	}
	bin := touch(t, "java")
	if err := os.Chmod(bin+"/java", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	if got, err := javaCommand(env{}.get); got != bin+"/java" || err != nil {
		t.Errorf("in PATH: %q, %v", got, err)
	}
	t.Setenv("PATH", t.TempDir())
	if got, err := javaCommand(env{}.get); err != errNoJava {
		t.Errorf("without Java: %q, %v", got, err)
	}
}
