package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideSubcommand is what this program calls itself with to become the supervisor of the private network.
const insideSubcommand = "__inside"

// signalInterrupt is how the outer process asks the supervisor to interrupt the command. SIGINT itself reaches the
// supervisor from the terminal only, together with the command, and means nothing to it.
const signalInterrupt = syscall.SIGUSR1

// signalAbandoned tells the supervisor that the outer process was killed. It is used where the kernel does not end
// everything by itself.
const signalAbandoned = syscall.SIGUSR2

// What the supervisor tells the outer process, a line each: that the network is made (any other first line is why it
// is not), and later that the servers have failed.
const (
	reportNetwork = "network"
	reportFailed  = "failed"
)

type exited struct {
	pid    int
	status syscall.WaitStatus
}

// superviseCommand is the supervisor: it makes the network usable, starts the servers and, once they are ready, the
// command. When it ends, everything it started has ended.
func superviseCommand(args []string) (int, error) {
	if len(args) != 1 {
		return exitFailure, errors.New("this subcommand is internal")
	}
	config, err := decodeConfig(args[0])
	if err != nil {
		return exitFailure, err
	}
	report := os.NewFile(3, "report")
	unix.CloseOnExec(3)
	if err := setUpNamespaces(config.PrivatePIDs); err != nil {
		fmt.Fprintln(report, err)
		return exitFailure, nil
	}
	fmt.Fprintln(report, reportNetwork)

	if !config.PrivatePIDs {
		// Orphans come to this process, so that the end finds them.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return exitFailure, err
		}
		defer killDescendants()
	}
	return supervise(config, report)
}

func supervise(config *clusterConfig, report *os.File) (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP,
		signalInterrupt, signalAbandoned)

	began := time.Now()
	fmt.Fprintln(os.Stderr, "cluster: starting etcd and kube-apiserver")
	servers, status, err := startServers(config)
	if err != nil {
		return exitFailure, err
	}
	ends := make(chan exited)
	go reap(ends)

	var command *os.Process
	for {
		select {
		case line, told := <-status:
			status = nil
			if !told {
				continue // they have ended, which comes next
			}
			if line != serversReady {
				fmt.Fprintln(report, reportFailed)
				return exitFailure, fmt.Errorf("the cluster did not start: %s", line)
			}
			fmt.Fprintf(os.Stderr, "cluster: ready after %.1f s\n", time.Since(began).Seconds())
			if len(config.Command) == 0 {
				fmt.Fprintf(os.Stderr, "cluster: use it with: %s exec --dir %s -- COMMAND\n", config.Binary, config.Dir)
				continue
			}
			var code int
			if command, code, err = startCommand(config); err != nil {
				return code, err
			}
		case end := <-ends:
			switch {
			case command != nil && end.pid == command.Pid:
				return shellCode(end.status), nil
			case end.pid == servers.Pid:
				fmt.Fprintln(report, reportFailed)
				if line, told := lastWord(status); told {
					return exitFailure, fmt.Errorf("the cluster did not start: %s", line)
				}
				return exitFailure, fmt.Errorf("the servers ended: %s\n%s", describe(end.status), logTail(config.serversLog()))
			}
		case received := <-signals:
			switch received {
			case signalAbandoned:
				return exitFailure, nil
			case signalInterrupt:
				received = syscall.SIGINT
			case syscall.SIGINT:
				if command != nil {
					continue // the terminal has sent it to the command too
				}
			}
			if command != nil {
				_ = command.Signal(received)
				continue
			}
			if len(config.Command) == 0 {
				return 0, nil
			}
			return 128 + int(received.(syscall.Signal)), nil
		}
	}
}

// startServers starts the process that holds etcd, the API server and the controllers. The channel gets one line: that
// they are ready, or why not.
func startServers(config *clusterConfig) (*os.Process, <-chan string, error) {
	log, err := os.Create(config.serversLog())
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer writer.Close()
	process := &exec.Cmd{
		Path:       config.Binary,
		Args:       []string{"cluster", serversSubcommand, config.encode()},
		Env:        withVariables(os.Environ(), outsideVariables...),
		Dir:        config.Dir,
		Stdout:     log,
		Stderr:     log,
		ExtraFiles: []*os.File{writer},
		// A group of its own: what is typed at the terminal is for the command alone.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if err := process.Start(); err != nil {
		return nil, nil, err
	}
	status := make(chan string, 1)
	go func() {
		defer close(status)
		if lines := bufio.NewScanner(reader); lines.Scan() {
			status <- lines.Text()
		}
	}()
	return process.Process, status, nil
}

// lastWord returns what servers that have ended may have said before.
func lastWord(status <-chan string) (string, bool) {
	if status == nil {
		return "", false
	}
	line, told := <-status
	return line, told && line != serversReady
}

// startCommand starts the command; on failure it also returns the code a shell would exit with.
func startCommand(config *clusterConfig) (*os.Process, int, error) {
	command := exec.Command(config.Command[0], config.Command[1:]...)
	command.Env = commandEnvironment(config)
	command.Dir = config.WorkDir
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, startFailureCode(err), err
	}
	return command.Process, 0, nil
}

// outsideVariables would lead clients away from the cluster: a proxy cannot be reached from the private network, and
// a Pod's variables speak of another cluster.
var outsideVariables = []string{
	"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "CLUSTER_EXTERNAL",
}

func commandEnvironment(config *clusterConfig) []string {
	return withVariables(withVariables(os.Environ(), outsideVariables...),
		"KUBECONFIG="+config.kubeconfigPath(),
		"CLUSTER_DIR="+config.Dir,
		"CLUSTER_ADDRESS="+clusterAddress,
		"CLUSTER_AUDIT_LOG="+config.AuditLog,
		"CLUSTER_BIN="+config.Binary,
		// Every cluster has the same address, so one must not find what kubectl remembers of another.
		"KUBECACHEDIR="+config.path("kubectl-cache"),
		"KUBERC=off",
	)
}

// reap waits for every child, also for orphans that were handed to this process.
func reap(ends chan<- exited) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return // no children are left
		default:
			ends <- exited{pid, status}
		}
	}
}

// killDescendants ends everything below this process. Whatever loses its parent on the way becomes a child of this
// process and is found in the next round.
func killDescendants() {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		children := childrenOf(os.Getpid())
		if len(children) == 0 {
			return
		}
		for _, child := range children {
			_ = syscall.Kill(child, syscall.SIGKILL)
			var status syscall.WaitStatus
			_, _ = syscall.Wait4(child, &status, syscall.WNOHANG, nil)
		}
	}
}

// childrenOf returns the processes whose parent is pid.
func childrenOf(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var children []int
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // not a process, or no longer one
		}
		var child, parent int
		var state string
		// The name, in parentheses, may hold anything.
		behindName := stat[bytes.LastIndexByte(stat, ')')+1:]
		if _, err := fmt.Sscan(string(behindName), &state, &parent); err != nil || parent != pid {
			continue
		}
		if _, err := fmt.Sscan(entry.Name(), &child); err == nil {
			children = append(children, child)
		}
	}
	return children
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

// logTail returns the last lines of a log, for a server that died without a word.
func logTail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
