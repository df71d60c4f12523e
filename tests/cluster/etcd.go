package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	etcdClientURL = "http://127.0.0.1:2379"
	etcdPeerURL   = "http://127.0.0.1:2380"
)

// startEtcd starts etcd and waits until it answers. It does not sync to disk: its data live as long as the cluster.
func startEtcd(ctx context.Context, config *clusterConfig, program string, failed chan error) error {
	if program != "" {
		return startEtcdProgram(ctx, config, program, failed)
	}
	server, err := embed.StartEtcd(etcdConfig(config))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	go func() { failed <- fmt.Errorf("etcd: %w", <-server.Err()) }()
	select {
	case <-server.Server.ReadyNotify():
		return nil
	case failure := <-failed:
		return failure
	case <-ctx.Done():
		return fmt.Errorf("etcd: %w", context.Cause(ctx))
	}
}

func etcdConfig(config *clusterConfig) *embed.Config {
	client, peer := mustParse(etcdClientURL), mustParse(etcdPeerURL)
	etcd := embed.NewConfig()
	etcd.Dir = config.path("etcd")
	etcd.ListenClientUrls, etcd.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	etcd.ListenPeerUrls, etcd.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	etcd.InitialCluster = etcd.InitialClusterFromName(etcd.Name)
	etcd.UnsafeNoFsync = true
	etcd.LogOutputs = []string{config.path("etcd.log")}
	etcd.LogLevel = "warn"
	return etcd
}

func startEtcdProgram(ctx context.Context, config *clusterConfig, program string, failed chan error) error {
	err := startProgram(config.path("etcd.log"), failed, program,
		"--data-dir="+config.path("etcd"),
		"--listen-client-urls="+etcdClientURL,
		"--advertise-client-urls="+etcdClientURL,
		"--listen-peer-urls="+etcdPeerURL,
		"--initial-advertise-peer-urls="+etcdPeerURL,
		"--initial-cluster=default="+etcdPeerURL,
		"--unsafe-no-fsync",
	)
	if err != nil {
		return err
	}
	client := mustParse(etcdClientURL)
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", client.Host)
		if err == nil {
			return connection.Close()
		}
		select {
		case failure := <-failed:
			return failure
		case <-ctx.Done():
			return fmt.Errorf("etcd: %w", context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// startProgram starts a server that is not built in. Its end, whenever it comes, is a failure.
func startProgram(logPath string, failed chan<- error, program string, args ...string) error {
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(program, args...)
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	go func() {
		err := process.Wait()
		failed <- fmt.Errorf("%s ended (%v): %s", program, err, logTail(logPath))
	}()
	return nil
}

func mustParse(address string) url.URL {
	parsed, err := url.Parse(address)
	if err != nil {
		panic(err) // only constants come here
	}
	return *parsed
}
