package main

import (
	"fmt"
	"os"

	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const (
	apiServerPort    = 6443
	serviceIPRange   = "10.96.0.0/16"
	firstServiceIP   = "10.96.0.1"
	tokenIssuer      = "https://kubernetes.default.svc.cluster.local"
	auditPolicyEvery = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
`
)

// startAPIServer starts the API server without waiting for it. Role-based access control and service account tokens
// work as in any cluster; the ServiceAccount admission plugin is off, so that Pods can be created although nothing
// makes the default ServiceAccount of a namespace.
func startAPIServer(config *clusterConfig, program string, failed chan<- error) error {
	args, err := apiServerArgs(config)
	if err != nil {
		return err
	}
	if program != "" {
		return startProgram(config.path("apiserver.log"), failed, program, args...)
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(args)
	command.SetOut(os.Stdout)
	command.SetErr(os.Stderr)
	go func() {
		err := command.Execute()
		failed <- fmt.Errorf("kube-apiserver ended: %w", err)
	}()
	return nil
}

func apiServerArgs(config *clusterConfig) ([]string, error) {
	policy := config.credential("audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicyEvery), 0o600); err != nil {
		return nil, err
	}
	// What an earlier cluster recorded would be taken for this one's.
	audit, err := os.Create(config.AuditLog)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	if err := audit.Close(); err != nil {
		return nil, err
	}
	return []string{
		"--etcd-servers=" + etcdClientURL,
		"--bind-address=" + clusterAddress,
		fmt.Sprintf("--secure-port=%d", apiServerPort),
		"--tls-cert-file=" + config.credential("server.crt"),
		"--tls-private-key-file=" + config.credential("server.key"),
		"--client-ca-file=" + config.credential("authority.crt"),
		"--token-auth-file=" + config.credential("tokens.csv"),
		"--service-account-issuer=" + tokenIssuer,
		"--service-account-key-file=" + config.credential("service-account.key"),
		"--service-account-signing-key-file=" + config.credential("service-account.key"),
		"--service-cluster-ip-range=" + serviceIPRange,
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount",
		"--allow-privileged=true",
		"--profiling=false",
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + config.AuditLog,
		// In megabytes: never cut the record in two.
		"--audit-log-maxsize=100000",
	}, nil
}
