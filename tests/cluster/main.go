// Command cluster runs a real Kubernetes API server for tests: kube-apiserver, etcd, the garbage collector and the
// namespace controller, in a network of its own that nothing outside can reach. It needs no root, no container engine
// and no installed Kubernetes tool.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const usage = `Usage:
  cluster run  [--dir DIR] [--audit-log FILE] -- COMMAND ARG...
      Start a cluster, run COMMAND in its network, tear everything down. Exits with COMMAND's code,
      128+n if signal n ended it, 125 if the cluster could not start.
  cluster run  --kubeconfig FILE -- COMMAND ARG...
      Start nothing: run COMMAND against the cluster of FILE, with CLUSTER_EXTERNAL=1.
  cluster up   --dir DIR [--audit-log FILE]
      Start a cluster and keep it until SIGINT or SIGTERM.
  cluster exec --dir DIR -- COMMAND ARG...
      Run COMMAND in the network of the cluster that "up" or "run" keeps in DIR.
  cluster pod  --namespace NS --serviceaccount SA --token-file FILE [--ca-file FILE] -- COMMAND ARG...
      Become COMMAND as a container of a Pod would see the world. Use it inside "run" or "exec".
  cluster kubectl ARG...
      Be kubectl. So does a link to this program that is named kubectl.

COMMAND finds KUBECONFIG (an administrator), CLUSTER_DIR, CLUSTER_ADDRESS (the one address of the network),
CLUSTER_AUDIT_LOG and CLUSTER_BIN (this program) in its environment.
KUBEBUILDER_ASSETS names a directory with kube-apiserver and etcd to use instead of the ones built in.
`

// exitFailure is what this program exits with when it, not COMMAND, has failed. The shell's own tools (env, timeout)
// use the same number.
const exitFailure = 125

// The parent-death signal of a child belongs to the thread that started it. The main thread lives as long as the
// process, so everything is started from there. "pod" needs one thread as well: it changes that thread's mounts.
func init() {
	runtime.LockOSThread()
}

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		os.Exit(runKubectl(os.Args[1:]))
	}
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(exitFailure)
	}
	code, err := dispatch(os.Args[1], os.Args[2:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
	}
	os.Exit(code)
}

func dispatch(subcommand string, args []string) (int, error) {
	switch subcommand {
	case "run":
		return runCommand(args)
	case "up":
		return upCommand(args)
	case "exec":
		return execCommand(args)
	case "pod":
		return podCommand(args)
	case "kubectl":
		return runKubectl(args), nil
	case insideSubcommand:
		return superviseCommand(args)
	case serversSubcommand:
		return serversCommand(args)
	case enterSubcommand:
		return enterCommand(args)
	case "help", "-h", "--help":
		return 0, flag.ErrHelp
	}
	return exitFailure, fmt.Errorf("unknown subcommand %q\n\n%s", subcommand, usage)
}

// newFlags returns a flag set that reports its errors to the caller instead of printing them.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(discard{})
	return flags
}

type discard struct{}

func (discard) Write(bytes []byte) (int, error) { return len(bytes), nil }

// parseWithCommand parses the flags and returns what stands behind them, which must be a command.
func parseWithCommand(flags *flag.FlagSet, args []string) ([]string, error) {
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() == 0 {
		return nil, fmt.Errorf("%s: no command given (write it behind --)", flags.Name())
	}
	return flags.Args(), nil
}
