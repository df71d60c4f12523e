package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// runCommand is "cluster run".
func runCommand(args []string) (int, error) {
	flags := newFlags("run")
	dir := flags.String("dir", "", "")
	auditLog := flags.String("audit-log", "", "")
	kubeconfig := flags.String("kubeconfig", "", "")
	command, err := parseWithCommand(flags, args)
	if err != nil {
		return exitFailure, err
	}
	if *kubeconfig != "" {
		if *dir != "" || *auditLog != "" {
			return exitFailure, errors.New("run: --kubeconfig starts no cluster, so --dir and --audit-log have no meaning with it")
		}
		return runExternal(*kubeconfig, command)
	}
	return runCluster(*dir, *auditLog, command)
}

// upCommand is "cluster up".
func upCommand(args []string) (int, error) {
	flags := newFlags("up")
	dir := flags.String("dir", "", "")
	auditLog := flags.String("audit-log", "", "")
	if err := flags.Parse(args); err != nil {
		return exitFailure, err
	}
	if *dir == "" || flags.NArg() > 0 {
		return exitFailure, errors.New("up: --dir is needed, and nothing else")
	}
	return runCluster(*dir, *auditLog, nil)
}

// runExternal becomes the command, with a cluster that somebody else runs.
func runExternal(kubeconfig string, command []string) (int, error) {
	path, err := filepath.Abs(kubeconfig)
	if err != nil {
		return exitFailure, err
	}
	if _, err := os.Stat(path); err != nil {
		return exitFailure, fmt.Errorf("run: %w", err)
	}
	binary, err := os.Executable()
	if err != nil {
		return exitFailure, err
	}
	return become(command, withVariables(os.Environ(), "KUBECONFIG="+path, "CLUSTER_EXTERNAL=1", "CLUSTER_BIN="+binary))
}

// runCluster starts the supervisor in a network of its own and stays with it to the end.
func runCluster(dir, auditLog string, command []string) (int, error) {
	// Before anything exists that would have to be cleaned up.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)

	claimed, err := claimDirectory(dir)
	if err != nil {
		return exitFailure, err
	}
	config, err := newConfig(claimed.path, auditLog, command)
	if err != nil {
		return exitFailure, errors.Join(err, claimed.release())
	}
	supervisor, err := startSupervisor(config)
	if err != nil {
		return exitFailure, errors.Join(err, claimed.release())
	}
	go forwardSignals(signals, supervisor.process.Process)

	code := exitCode(supervisor.process.Wait())
	if supervisor.hasFailed() {
		// It has said why. The servers' logs are worth more than a clean disk.
		fmt.Fprintf(os.Stderr, "cluster: logs are in %s\n", claimed.path)
		return code, nil
	}
	return code, claimed.release()
}

func newConfig(dir, auditLog string, command []string) (*clusterConfig, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	workDir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	config := &clusterConfig{Dir: dir, Binary: binary, WorkDir: workDir, Command: command}
	config.AuditLog = config.path("audit.log")
	if auditLog != "" {
		if config.AuditLog, err = filepath.Abs(auditLog); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// supervisor is the process that lives in the private network and runs everything else there.
type supervisor struct {
	process *exec.Cmd
	report  *bufio.Scanner
}

// startSupervisor tries the ways of isolation until one works.
func startSupervisor(config *clusterConfig) (*supervisor, error) {
	var failures []error
	for _, way := range isolations(os.Geteuid()) {
		started, err := tryIsolation(config, way)
		if err == nil {
			return started, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", way.name, err))
	}
	return nil, fmt.Errorf("cannot make a private network\n%w\nhint: %s", errors.Join(failures...), isolationHint())
}

func tryIsolation(config *clusterConfig, way isolation) (*supervisor, error) {
	config.PrivatePIDs = way.privatePIDs
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	process := &exec.Cmd{
		Path:        config.Binary,
		Args:        []string{"cluster", insideSubcommand, config.encode()},
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		ExtraFiles:  []*os.File{writer},
		SysProcAttr: way.attributes(),
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	config.Supervisor = process.Process.Pid
	if err := config.writeState(); err != nil {
		return nil, err
	}
	writer.Close()
	started := &supervisor{process: process, report: bufio.NewScanner(reader)}
	if !started.report.Scan() {
		return nil, fmt.Errorf("the supervisor ended: %w", process.Wait())
	}
	if report := started.report.Text(); report != reportNetwork {
		_ = process.Wait()
		return nil, errors.New(report)
	}
	return started, nil
}

// hasFailed says, after the supervisor has ended, whether the servers, not the command, are the reason.
func (started *supervisor) hasFailed() bool {
	return started.report.Scan() && started.report.Text() == reportFailed
}

// forwardSignals passes on what asks the command to end. An interrupt typed at the terminal has already reached the
// command, because it shares the terminal's foreground process group; a second one could make it give up half-way.
func forwardSignals(signals <-chan os.Signal, process *os.Process) {
	for received := range signals {
		if received == syscall.SIGINT {
			if ownsTerminal() {
				continue
			}
			received = signalInterrupt
		}
		_ = process.Signal(received)
	}
}

func ownsTerminal() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	foreground, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// exitCode turns how a process ended into the number a shell would show.
func exitCode(err error) int {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return shellCode(ended.Sys().(syscall.WaitStatus))
	}
	return exitFailure
}

func shellCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// become replaces this process by the command. It returns only on failure, with the code a shell would use.
func become(command, environment []string) (int, error) {
	path, err := exec.LookPath(command[0])
	if err == nil {
		err = syscall.Exec(path, command, environment)
	}
	return startFailureCode(err), fmt.Errorf("%s: %w", command[0], err)
}

func startFailureCode(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return 127
	}
	return 126
}

// withVariables returns the environment with the given NAME=VALUE pairs in place of older ones. A bare NAME removes it.
func withVariables(environment []string, pairs ...string) []string {
	replaced := map[string]bool{}
	for _, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		replaced[name] = true
	}
	var result []string
	for _, pair := range environment {
		if name, _, _ := strings.Cut(pair, "="); !replaced[name] {
			result = append(result, pair)
		}
	}
	for _, pair := range pairs {
		if strings.Contains(pair, "=") {
			result = append(result, pair)
		}
	}
	return result
}
