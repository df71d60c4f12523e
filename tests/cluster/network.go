package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// clusterAddress is the one address of the private network besides loopback. The API server proxies to Pods on it,
// which it refuses for loopback and link-local addresses.
const clusterAddress = "10.77.0.1"

// isolation is one way to get a private network.
type isolation struct {
	name string
	// userNamespace makes the caller root of the namespaces without being root outside.
	userNamespace bool
	// privatePIDs lets the kernel end every process of the cluster, however orphaned, with the supervisor. Containers
	// that hide parts of /proc do not allow it.
	privatePIDs bool
}

// isolations returns the ways to try, best first.
func isolations(uid int) []isolation {
	asUser := []isolation{
		{name: "user and process namespace", userNamespace: true, privatePIDs: true},
		{name: "user namespace", userNamespace: true},
	}
	if uid != 0 {
		return asUser
	}
	asRoot := []isolation{
		{name: "as root, process namespace", privatePIDs: true},
		{name: "as root"},
	}
	return append(asRoot, asUser...)
}

// attributes describe how to start the supervisor.
func (way isolation) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  signalAbandoned,
	}
	if way.privatePIDs {
		attributes.Cloneflags |= syscall.CLONE_NEWPID
		attributes.Pdeathsig = syscall.SIGKILL
	}
	if way.userNamespace {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attributes
}

// setUpNamespaces gives the new namespaces their mounts and their address. It runs inside them.
func setUpNamespaces(privatePIDs bool) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if privatePIDs {
		// Without it /proc/self would name a process of the outer namespace.
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("mount /proc: %w", err)
		}
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("bring the loopback interface up: %w", err)
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(clusterAddress).To4(), Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(loopback, address); err != nil {
		return fmt.Errorf("add address %s to the loopback interface: %w", clusterAddress, err)
	}
	return nil
}

// isolationHint says what keeps this machine from making namespaces, as far as that can be seen.
func isolationHint() string {
	settings := []struct{ path, forbids, hint string }{
		{
			"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"AppArmor takes the rights away: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root",
		},
		{
			"/proc/sys/kernel/unprivileged_userns_clone", "0",
			"user namespaces are for root alone here: sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root",
		},
		{
			"/proc/sys/user/max_user_namespaces", "0",
			"user namespaces are switched off: sudo sysctl -w user.max_user_namespaces=10000, or run as root",
		},
	}
	for _, setting := range settings {
		content, err := os.ReadFile(setting.path)
		if err == nil && strings.TrimSpace(string(content)) == setting.forbids {
			return setting.hint
		}
	}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return "this is a container that may not make namespaces: start it with --privileged"
		}
	}
	return "run as root, or use a real cluster: cluster run --kubeconfig FILE -- COMMAND"
}
