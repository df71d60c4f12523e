package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// serviceAccountDir is where every client with in-cluster configuration looks.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// podCommand is "cluster pod". Mounts are those of the main thread alone until it becomes the command.
func podCommand(args []string) (int, error) {
	flags := newFlags("pod")
	namespace := flags.String("namespace", "", "")
	account := flags.String("serviceaccount", "", "")
	tokenFile := flags.String("token-file", "", "")
	caFile := flags.String("ca-file", "", "")
	command, err := parseWithCommand(flags, args)
	if err != nil {
		return exitFailure, err
	}
	if *namespace == "" || *account == "" || *tokenFile == "" {
		return exitFailure, errors.New("pod: --namespace, --serviceaccount and --token-file are needed")
	}
	if err := checkToken(*tokenFile, *namespace, *account); err != nil {
		return exitFailure, fmt.Errorf("pod: %w", err)
	}
	clientConfig, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return exitFailure, fmt.Errorf("pod: %w", err)
	}
	host, port, err := serviceAddress(clientConfig.Host)
	if err != nil {
		return exitFailure, fmt.Errorf("pod: %w", err)
	}
	authority, err := authorityOf(clientConfig, *caFile)
	if err != nil {
		return exitFailure, fmt.Errorf("pod: %w", err)
	}
	if err := mountServiceAccount(*tokenFile, authority, *namespace); err != nil {
		return exitFailure, fmt.Errorf("pod: %w", err)
	}
	return become(command, withVariables(os.Environ(),
		"KUBECONFIG",
		"KUBERNETES_SERVICE_HOST="+host,
		"KUBERNETES_SERVICE_PORT="+port,
	))
}

// checkToken refuses a token of another account, so that a test cannot prove the wrong account's rights.
func checkToken(path, namespace, account string) error {
	token, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parts := strings.Split(strings.TrimSpace(string(token)), ".")
	if len(parts) != 3 {
		return fmt.Errorf("%s holds no service account token", path)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("%s holds no service account token: %w", path, err)
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return fmt.Errorf("%s holds no service account token: %w", path, err)
	}
	if wanted := "system:serviceaccount:" + namespace + ":" + account; claims.Sub != wanted {
		return fmt.Errorf("%s holds the token of %q, not of %q", path, claims.Sub, wanted)
	}
	return nil
}

// serviceAddress returns what the kubelet would put into KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
func serviceAddress(server string) (host, port string, err error) {
	parsed, err := url.Parse(server)
	if err != nil {
		return "", "", err
	}
	if parsed.Scheme != "https" || parsed.Hostname() == "" {
		return "", "", fmt.Errorf("the kubeconfig's server %q is not an https address", server)
	}
	if parsed.Port() == "" {
		return parsed.Hostname(), "443", nil
	}
	return net.SplitHostPort(parsed.Host)
}

func authorityOf(clientConfig *rest.Config, caFile string) ([]byte, error) {
	if caFile != "" {
		return os.ReadFile(caFile)
	}
	if err := rest.LoadTLSFiles(clientConfig); err != nil {
		return nil, err
	}
	if len(clientConfig.CAData) == 0 {
		return nil, errors.New("the kubeconfig names no certificate authority; give --ca-file")
	}
	return clientConfig.CAData, nil
}

// mountServiceAccount shows the command the files of a service account. The token stays the file it is, so that
// whatever replaces it, also by renaming another over it, is seen at once.
func mountServiceAccount(tokenFile string, authority []byte, namespace string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("no right to mount (use this inside `cluster run` or `cluster exec`, or as root): %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	// Before anything is mounted over it.
	tokenDir, err := openPath(filepath.Dir(tokenFile))
	if err != nil {
		return err
	}
	defer unix.Close(tokenDir)
	if err := makeRoom(serviceAccountDir); err != nil {
		return err
	}
	// A directory, because a single file that is mounted stays the old one when it is replaced.
	shown := filepath.Join(serviceAccountDir, "..token")
	if err := os.Mkdir(shown, 0o755); err != nil {
		return err
	}
	if err := bindMount(tokenDir, shown); err != nil {
		return err
	}
	return errors.Join(
		os.Symlink(filepath.Join("..token", filepath.Base(tokenFile)), filepath.Join(serviceAccountDir, "token")),
		os.WriteFile(filepath.Join(serviceAccountDir, "ca.crt"), authority, 0o644),
		os.WriteFile(filepath.Join(serviceAccountDir, "namespace"), []byte(namespace), 0o644),
	)
}

// makeRoom makes dir an empty, writable directory without changing anything outside this mount namespace: an empty
// file system is mounted on the nearest directory that exists, and what it hides is shown in it again.
func makeRoom(dir string) error {
	existing := dir
	for {
		if info, err := os.Stat(existing); err == nil && info.IsDir() {
			break
		}
		existing = filepath.Dir(existing)
	}
	if existing == "/" || existing == "/var" {
		return fmt.Errorf("%s has no place: there is no /var/run", dir)
	}
	hidden, err := openPath(existing)
	if err != nil {
		return err
	}
	defer unix.Close(hidden)
	entries, err := os.ReadDir(existing)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", existing, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount on %s: %w", existing, err)
	}
	if existing != dir {
		for _, entry := range entries {
			showAgain(hidden, entry, filepath.Join(existing, entry.Name()))
		}
	}
	return os.MkdirAll(dir, 0o755)
}

// showAgain makes an entry of a hidden directory visible at path. What cannot be shown is left out: nothing in a test
// needs all of /run.
func showAgain(hidden int, entry os.DirEntry, path string) {
	if entry.Type()&os.ModeSymlink != 0 {
		target := make([]byte, unix.PathMax)
		if length, err := unix.Readlinkat(hidden, entry.Name(), target); err == nil {
			_ = os.Symlink(string(target[:length]), path)
		}
		return
	}
	source, err := unix.Openat(hidden, entry.Name(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(source)
	if entry.IsDir() {
		err = os.Mkdir(path, 0o755)
	} else {
		err = os.WriteFile(path, nil, 0o644)
	}
	if err == nil {
		_ = bindMount(source, path)
	}
}

func openPath(path string) (int, error) {
	opened, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return opened, nil
}

func bindMount(source int, target string) error {
	err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", source), target, "", unix.MS_BIND|unix.MS_REC, "")
	if err != nil {
		return fmt.Errorf("mount on %s: %w", target, err)
	}
	return nil
}
