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
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

var program = flag.String("zkfs", "", "the program that the sidecar runs")

// manifest returns the objects of the example. A field that Kubernetes does not know is an error.
func manifest(t *testing.T) (secret corev1.Secret, deployment appsv1.Deployment) {
	t.Helper()
	text, err := os.ReadFile("zkfs.yaml")
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
	secret, deployment := manifest(t)
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
		if s := v.Secret; s != nil && (s.SecretName != secret.Name || *s.DefaultMode != 0o400) {
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

// The program takes the commands of the sidecar: what they lack is a server and a mount.
func TestCommandsOfTheSidecar(t *testing.T) {
	secret, deployment := manifest(t)
	sidecar := deployment.Spec.Template.Spec.InitContainers[1]
	dir := t.TempDir()
	auth := filepath.Join(dir, "auth")
	err := errors.Join(os.WriteFile(auth, []byte(secret.StringData["auth"]), 0o400),
		os.Mkdir(filepath.Join(dir, "app"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("/etc/zkfs/auth", auth, "zk-0.zk,zk-1.zk,zk-2.zk", "127.0.0.1:1")
	for _, tt := range []struct {
		args []string
		code int
	}{
		{append(sidecar.Args, "--connect-timeout=1"), 12},
		{sidecar.StartupProbe.Exec.Command[1:], 10},
		{sidecar.ReadinessProbe.Exec.Command[1:], 10},
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
		out, _ := cmd.CombinedOutput() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != tt.code {
			t.Errorf("zkfs %s ends with %d, want %d: %s", args, code, tt.code, out)
		}
	}
}
