package main

import (
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // a kubeconfig given from outside may need it
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// runKubectl is kubectl.
func runKubectl(args []string) int {
	// kubectl looks there for the names of plugins.
	os.Args = append([]string{"kubectl"}, args...)
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err) // exits
	}
	return 0
}
