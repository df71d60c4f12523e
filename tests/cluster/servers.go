package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// serversSubcommand is what the supervisor calls this program with to become the servers. They have a process of their
// own because they write to standard error, end the process when they fail and take over its signals.
const serversSubcommand = "__servers"

// serversReady is what the servers tell the supervisor; any other line is why they cannot start.
const serversReady = "ready"

// readyTimeout is generous: on an idle machine the servers need three seconds.
const readyTimeout = 3 * time.Minute

func (config *clusterConfig) serversLog() string { return config.path("servers.log") }

// serversCommand starts everything and then only watches. It returns only when a server has failed.
func serversCommand(args []string) (int, error) {
	if len(args) != 1 {
		return exitFailure, errors.New("this subcommand is internal")
	}
	config, err := decodeConfig(args[0])
	if err != nil {
		return exitFailure, err
	}
	report := os.NewFile(3, "report")
	unix.CloseOnExec(3)
	failed := make(chan error, 2)
	if err := startAll(config, failed); err != nil {
		fmt.Fprintln(report, strings.ReplaceAll(err.Error(), "\n", "; "))
		return exitFailure, err
	}
	fmt.Fprintln(report, serversReady)
	return exitFailure, <-failed
}

func startAll(config *clusterConfig, failed chan<- error) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), readyTimeout, errors.New("not ready after "+readyTimeout.String()))
	defer cancel()

	credentials, err := makeCredentials(config)
	if err != nil {
		return err
	}
	programs, err := findPrograms(os.Getenv("KUBEBUILDER_ASSETS"))
	if err != nil {
		return err
	}
	servers := make(chan error, 2)
	if err := startEtcd(ctx, config, programs.etcd, servers); err != nil {
		return err
	}
	klog.Info("cluster: etcd is ready")
	if err := startAPIServer(config, programs.apiServer, servers); err != nil {
		return err
	}
	if err := waitUntilReady(ctx, credentials.clientConfig(adminUser), servers); err != nil {
		return err
	}
	klog.Info("cluster: the API server is ready")
	if err := startControllers(context.Background(), credentials); err != nil {
		return err
	}
	go func() { failed <- <-servers }()
	return credentials.writeKubeconfig(config.kubeconfigPath())
}

// programs are the server binaries to run; empty means the servers built into this program.
type programs struct{ etcd, apiServer string }

func findPrograms(assets string) (programs, error) {
	if assets == "" {
		return programs{}, nil
	}
	found := programs{etcd: filepath.Join(assets, "etcd"), apiServer: filepath.Join(assets, "kube-apiserver")}
	for _, path := range []string{found.etcd, found.apiServer} {
		if err := unix.Access(path, unix.X_OK); err != nil {
			return programs{}, fmt.Errorf("KUBEBUILDER_ASSETS: %s: %w", path, err)
		}
	}
	return found, nil
}

// waitUntilReady returns when the API server says so of itself and the namespaces that everybody expects exist.
func waitUntilReady(ctx context.Context, clientConfig *rest.Config, failed <-chan error) error {
	client, err := kubernetes.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	for {
		err := probe(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case failure := <-failed:
			return failure
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func probe(ctx context.Context, client kubernetes.Interface) error {
	if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return err
	}
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		if _, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	return nil
}
