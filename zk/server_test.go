package zk

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeJava puts a shell script in the place of Java for the rest of the test.
func fakeJava(t *testing.T, script string) {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(home+"/bin", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/bin/java", []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JAVA_HOME", home)
}

func TestServerArgs(t *testing.T) {
	srv := &Server{ConfigPath: "/d/zoo.cfg", JVMFlags: []string{"-Xmx1g", "-Da=b"}}
	got := srv.args([]string{"a.jar", "lib/*"})
	want := []string{
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Xmx1g", "-Da=b", "-cp", "a.jar:lib/*", serverClass, "/d/zoo.cfg",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	srv.Stderr = &bytes.Buffer{}
	if got := srv.args(nil)[0]; got != "-Dorg.slf4j.simpleLogger.defaultLogLevel=info" {
		t.Errorf("with a writer: %q", got)
	}
}

func TestServerStopKillsAndWaits(t *testing.T) {
	fakeJava(t, "exec sleep 1000")
	srv := &Server{JarPath: filepath.Join(touch(t, "fat.jar"), "fat.jar")}
	for range 2 { // a stopped server can be started again
		if err := srv.Start(); err != nil {
			t.Fatal(err)
		}
		if err := srv.Start(); err == nil {
			t.Error("a running server was started again")
		}
		process := srv.run.cmd.Process
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
		if err := process.Signal(os.Kill); err != os.ErrProcessDone {
			t.Errorf("after Stop: %v", err)
		}
		if err := srv.Stop(); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	}
}

func TestServerThatEndsByItselfIsReported(t *testing.T) {
	fakeJava(t, "echo out; echo reason >&2; exit 3")
	var stdout, stderr bytes.Buffer
	srv := &Server{JarPath: filepath.Join(touch(t, "fat.jar"), "fat.jar"), Stdout: &stdout, Stderr: &stderr}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	<-srv.run.done
	err := srv.Stop()
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "reason") {
		t.Errorf("Stop: %v", err)
	}
	if stdout.String() != "out\n" || stderr.String() != "reason\n" {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
}

func TestServerStartNamesWhatIsMissing(t *testing.T) {
	t.Setenv("ZOOKEEPER_HOME", t.TempDir())
	if err := (&Server{}).Start(); err == nil || !strings.Contains(err.Error(), "no ZooKeeper server") {
		t.Errorf("without a server: %v", err)
	}
	t.Setenv("JAVA_HOME", t.TempDir())
	srv := &Server{JarPath: filepath.Join(touch(t, "fat.jar"), "fat.jar")}
	if err := srv.Start(); err == nil || !strings.Contains(err.Error(), "bin/java") {
		t.Errorf("without Java: %v", err)
	}
	if err := srv.Signal(os.Kill); err == nil {
		t.Error("a server that is not started took a signal")
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var log tail
	for range 1000 {
		log.Write([]byte("a line\n"))
	}
	log.Write([]byte("last\n"))
	if got := log.String(); len(got) > tailSize || !strings.HasSuffix(got, "a line\nlast") {
		t.Errorf("kept %d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
	}
}
