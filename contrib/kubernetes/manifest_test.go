// Package kubernetes checks the example: by the types of Kubernetes, which are of a module that the
// program does not need, and by the program itself.
package kubernetes

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

var program = flag.String("zkfs", "", "the program that the sidecar runs")

// manifest returns the objects of an example. A field that Kubernetes does not know is an error.
func manifest(t *testing.T, file string) (secret corev1.Secret, deployment appsv1.Deployment) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(text, []byte("\n---\n"))
	if len(documents) != 2 {
		t.Fatalf("%d documents", len(documents))
	}
	err = errors.Join(yaml.UnmarshalStrict(documents[0], &secret),
		yaml.UnmarshalStrict(documents[1], &deployment))
	if err != nil {
		t.Fatal(err)
	}
	return secret, deployment
}

func TestManifest(t *testing.T) {
	secret, deployment := manifest(t, "zkfs.yaml")
	pod := deployment.Spec.Template.Spec
	if secret.Kind != "Secret" || deployment.Kind != "Deployment" || deployment.APIVersion != "apps/v1" {
		t.Errorf("kinds %s and %s", secret.Kind, deployment.Kind)
	}
	label := deployment.Spec.Template.Labels["app"]
	if label == "" || label != deployment.Spec.Selector.MatchLabels["app"] {
		t.Errorf("the selector does not find the pods: %q", label)
	}
	var volumes []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
		if s := v.Secret; s != nil && (s.SecretName != secret.Name || *s.DefaultMode != 0o440) {
			t.Errorf("volume %s: secret %s, mode %o", v.Name, s.SecretName, *s.DefaultMode)
		}
	}
	propagation := map[string]corev1.MountPropagationMode{}
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		for _, m := range c.VolumeMounts {
			if !slices.Contains(volumes, m.Name) {
				t.Errorf("%s: there is no volume %s", c.Name, m.Name)
			}
			if m.MountPropagation != nil {
				propagation[c.Name] = *m.MountPropagation
			}
		}
	}
	sidecar, app := pod.InitContainers[1], pod.Containers[0]
	if propagation[sidecar.Name] != corev1.MountPropagationBidirectional ||
		propagation[app.Name] != corev1.MountPropagationHostToContainer {
		t.Errorf("propagation %v", propagation)
	}
	if *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways ||
		!*sidecar.SecurityContext.Privileged {
		t.Error("the init container is no sidecar, or may not mount")
	}
}

// The program takes the commands of the sidecar: what they lack is a server and a mount. It takes the
// secret as the group of the pod may read it, from the user of the application too. The test needs
// root, which owns the files of a Secret.
func TestCommandsOfTheSidecar(t *testing.T) {
	secret, deployment := manifest(t, "zkfs.yaml")
	pod := deployment.Spec.Template.Spec
	sidecar := pod.InitContainers[1]
	group := uint32(*pod.SecurityContext.FSGroup)
	user := uint32(*pod.Containers[0].SecurityContext.RunAsUser)
	dir, err := os.MkdirTemp("", "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	auth := filepath.Join(dir, "auth")
	err = errors.Join(os.Chmod(dir, 0o755),
		os.WriteFile(auth, []byte(secret.StringData["auth"]), 0o440),
		os.Chown(auth, 0, int(group)),
		os.Mkdir(filepath.Join(dir, "app"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("/etc/zkfs/auth", auth, "zk-0.zk,zk-1.zk,zk-2.zk", "127.0.0.1:1")
	for _, tt := range []struct {
		user uint32
		args []string
		code int
	}{
		{0, append(sidecar.Args, "--connect-timeout=1"), 12},
		{0, sidecar.StartupProbe.Exec.Command[1:], 10},
		{0, sidecar.ReadinessProbe.Exec.Command[1:], 10},
		{user, []string{"get", "--auth-file=/etc/zkfs/auth", "--connect-timeout=1", "--server=127.0.0.1:1", "/x"}, 12},
	} {
		var args []string
		for _, arg := range tt.args {
			arg = here.Replace(arg)
			if arg == "/zk/app" {
				arg = filepath.Join(dir, "app")
			}
			args = append(args, arg)
		}
		cmd := exec.Command(*program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: tt.user, Gid: tt.user, Groups: []uint32{group}},
		}
		out, _ := cmd.CombinedOutput() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != tt.code {
			t.Errorf("zkfs %s ends with %d, want %d: %s", args, code, tt.code, out)
		}
	}
}
