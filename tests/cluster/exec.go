package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// enterSubcommand is what nsenter runs inside the network, because it is in the wrong directory and environment there.
const enterSubcommand = "__enter"

// execCommand is "cluster exec". It waits for a cluster that is still starting.
func execCommand(args []string) (int, error) {
	flags := newFlags("exec")
	dir := flags.String("dir", "", "")
	command, err := parseWithCommand(flags, args)
	if err != nil {
		return exitFailure, err
	}
	if *dir == "" {
		return exitFailure, errors.New("exec: --dir is needed")
	}
	path, err := filepath.Abs(*dir)
	if err != nil {
		return exitFailure, err
	}
	config, err := waitForCluster(path)
	if err != nil {
		return exitFailure, err
	}
	// A Go program has several threads from the start and so cannot enter a user namespace itself.
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return exitFailure, errors.New("exec: nsenter is missing (it comes with util-linux)")
	}
	if config.WorkDir, err = os.Getwd(); err != nil {
		return exitFailure, err
	}
	config.Command = command
	arguments, err := nsenterArgs(config)
	if err != nil {
		return exitFailure, fmt.Errorf("exec: %w", err)
	}
	return exitFailure, syscall.Exec(nsenter, arguments, os.Environ())
}

func waitForCluster(dir string) (*clusterConfig, error) {
	for deadline := time.Now().Add(readyTimeout); ; time.Sleep(100 * time.Millisecond) {
		if !isClaimed(dir) {
			return nil, fmt.Errorf("no cluster is running in %s (start one with: cluster up --dir %s)", dir, dir)
		}
		if _, err := os.Stat(filepath.Join(dir, "kubeconfig")); err == nil {
			return readState(dir)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the cluster in %s does not become ready", dir)
		}
	}
}

func nsenterArgs(config *clusterConfig) ([]string, error) {
	supervisor := strconv.Itoa(config.Supervisor)
	args := []string{"nsenter", "--target=" + supervisor, "--net", "--mount"}
	if config.PrivatePIDs {
		args = append(args, "--pid")
	}
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return nil, err
	}
	theirs, err := os.Readlink("/proc/" + supervisor + "/ns/user")
	if err != nil {
		return nil, fmt.Errorf("only the user who started the cluster can enter it: %w", err)
	}
	if own != theirs {
		// Anybody else, even root, would be nobody in there.
		var owner unix.Stat_t
		if err := unix.Stat(config.path("state.json"), &owner); err != nil {
			return nil, err
		}
		if int(owner.Uid) != os.Geteuid() {
			return nil, fmt.Errorf("only the user who started the cluster (id %d) can enter it", owner.Uid)
		}
		args = append(args, "--user", "--preserve-credentials")
	}
	return append(args, "--", config.Binary, enterSubcommand, config.encode()), nil
}

// enterCommand becomes the command, in the network.
func enterCommand(args []string) (int, error) {
	if len(args) != 1 {
		return exitFailure, errors.New("this subcommand is internal")
	}
	config, err := decodeConfig(args[0])
	if err != nil {
		return exitFailure, err
	}
	// nsenter does not pass signals on; at least its end ends the command.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
		return exitFailure, err
	}
	if err := os.Chdir(config.WorkDir); err != nil {
		return exitFailure, err
	}
	return become(config.Command, commandEnvironment(config))
}
