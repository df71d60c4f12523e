package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// clusterConfig is what the processes of one cluster tell each other about it. All paths are absolute.
type clusterConfig struct {
	Dir      string
	AuditLog string
	// Binary is this program.
	Binary string
	// WorkDir is where COMMAND starts.
	WorkDir string
	// Command is empty for "up".
	Command []string
	// PrivatePIDs says that the supervisor is process 1 of its own process namespace.
	PrivatePIDs bool
	// Supervisor is the supervisor's process id as seen from outside. It is known only once that runs.
	Supervisor int
}

func (config *clusterConfig) path(name string) string { return filepath.Join(config.Dir, name) }

// kubeconfigPath names a file that exists exactly while the cluster is ready.
func (config *clusterConfig) kubeconfigPath() string { return config.path("kubeconfig") }

func (config *clusterConfig) encode() string {
	encoded, err := json.Marshal(config)
	if err != nil {
		panic(err) // strings, numbers and booleans always encode
	}
	return string(encoded)
}

func decodeConfig(encoded string) (*clusterConfig, error) {
	var config clusterConfig
	if err := json.Unmarshal([]byte(encoded), &config); err != nil {
		return nil, fmt.Errorf("this subcommand is internal: %w", err)
	}
	return &config, nil
}

// directory is the place of a running cluster's files. Its lock tells the living from the dead.
type directory struct {
	path      string
	temporary bool
	lock      *os.File
}

// claimDirectory makes the directory (a temporary one if path is empty), takes its lock and removes what an earlier
// cluster left there, except its logs, which are overwritten later.
func claimDirectory(path string) (*directory, error) {
	claimed := &directory{temporary: path == ""}
	var err error
	if claimed.temporary {
		claimed.path, err = os.MkdirTemp("", "cluster-")
	} else if claimed.path, err = filepath.Abs(path); err == nil {
		err = os.MkdirAll(claimed.path, 0o755)
	}
	if err != nil {
		return nil, err
	}
	claimed.lock, err = os.OpenFile(pidPath(claimed.path), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(claimed.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("another cluster is running in %s (process %s)", claimed.path, readPID(claimed.path))
	}
	if err := claimed.removeState(); err != nil {
		return nil, err
	}
	if err := claimed.lock.Truncate(0); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(claimed.lock, "%d\n", os.Getpid())
	return claimed, err
}

// release removes a temporary directory. One that was asked for keeps its logs.
func (claimed *directory) release() error {
	if claimed.temporary {
		return os.RemoveAll(claimed.path)
	}
	return errors.Join(claimed.removeState(), os.Remove(pidPath(claimed.path)))
}

func (claimed *directory) removeState() error {
	var failures []error
	for _, name := range []string{"etcd", "credentials", "kubectl-cache", "kubeconfig", "state.json"} {
		failures = append(failures, os.RemoveAll(filepath.Join(claimed.path, name)))
	}
	return errors.Join(failures...)
}

// readState returns the configuration of the cluster that runs in path, or an error if none does.
func readState(path string) (*clusterConfig, error) {
	if !isClaimed(path) {
		return nil, fmt.Errorf("no cluster is running in %s (start one with: cluster up --dir %s)", path, path)
	}
	content, err := os.ReadFile(filepath.Join(path, "state.json"))
	if err != nil {
		return nil, err
	}
	return decodeConfig(string(content))
}

func (config *clusterConfig) writeState() error {
	return writeAtomically(config.path("state.json"), []byte(config.encode()), 0o644)
}

func isClaimed(path string) bool {
	lock, err := os.Open(pidPath(path))
	if err != nil {
		return false
	}
	defer lock.Close()
	return unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

func pidPath(dir string) string { return filepath.Join(dir, "pid") }

func readPID(dir string) string {
	content, _ := os.ReadFile(pidPath(dir))
	pid := strings.TrimSpace(string(content))
	if _, err := strconv.Atoi(pid); err != nil {
		return "unknown"
	}
	return pid
}

// writeAtomically never shows a reader half a file.
func writeAtomically(path string, content []byte, mode os.FileMode) error {
	draft := path + ".new"
	if err := os.WriteFile(draft, content, mode); err != nil {
		return err
	}
	return os.Rename(draft, path)
}
