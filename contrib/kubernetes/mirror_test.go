package kubernetes

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The example of a mirror has no privilege: it is what the policy "restricted" of a namespace asks
// for.
func TestMirrorManifest(t *testing.T) {
	secret, deployment := manifest(t, "mirror.yaml")
	pod := deployment.Spec.Template.Spec
	if deployment.Spec.Template.Labels["app"] != deployment.Spec.Selector.MatchLabels["app"] {
		t.Error("the selector does not find the pods")
	}
	if !*pod.SecurityContext.RunAsNonRoot ||
		pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Error("the pod is not restricted")
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if v.Secret != nil && v.Secret.SecretName != secret.Name || v.HostPath != nil {
			t.Errorf("volume %s: %+v", v.Name, v)
		}
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		s := c.SecurityContext
		if s.Privileged != nil || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) != 1 ||
			len(s.Capabilities.Add) > 0 {
			t.Errorf("%s is not restricted: %+v", c.Name, s)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] || m.MountPropagation != nil {
				t.Errorf("%s: volume %+v", c.Name, m)
			}
		}
	}
	first, sidecar := pod.InitContainers[0], pod.InitContainers[1]
	if first.RestartPolicy != nil || *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Error("the first container does not end, or the second is no sidecar")
	}
}

// The program takes the commands of both containers, as the user of the pod: what they lack is a
// server. The test needs root, which owns the files of a Secret.
func TestCommandsOfTheMirror(t *testing.T) {
	secret, deployment := manifest(t, "mirror.yaml")
	pod := deployment.Spec.Template.Spec
	user, group := uint32(*pod.SecurityContext.RunAsUser), uint32(*pod.SecurityContext.FSGroup)
	dir, err := os.MkdirTemp("", "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	auth := filepath.Join(dir, "auth")
	err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(auth, []byte(secret.StringData["auth"]), 0o440),
		os.Chown(auth, 0, int(group)))
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("/etc/zkfs/auth", auth, "zk-0.zk,zk-1.zk,zk-2.zk", "127.0.0.1:1", "=5m", "=1")
	for _, c := range pod.InitContainers {
		args := []string{}
		for _, arg := range append(c.Args[:1:1], append([]string{"--connect-timeout=1"}, c.Args[1:]...)...) {
			args = append(args, here.Replace(arg))
		}
		cmd := exec.Command(*program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: user, Gid: group, Groups: []uint32{group}},
		}
		out, _ := cmd.CombinedOutput() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != 12 {
			t.Errorf("zkfs %s ends with %d: %s", args, code, out)
		}
	}
}
