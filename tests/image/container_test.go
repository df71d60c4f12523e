package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stageVariable makes this program the first process of a container instead of a test.
const stageVariable = "SEALED_SECRETS_IMAGE_STAGE"

// container is how a Pod would run an image: read-only, as some user, without any capability.
type container struct {
	Root string
	// Mounts are folders of the host by their place in the container.
	Mounts map[string]string
	User   int
	Group  int
	Args   []string
	Env    []string
}

// start prepares the command that runs the container.
func (container container) start() (*exec.Cmd, error) {
	text, err := json.Marshal(container)
	if err != nil {
		return nil, err
	}
	// What a container runtime does before it mounts anything.
	for place := range container.Mounts {
		if err := os.MkdirAll(filepath.Join(container.Root, place), 0o755); err != nil {
			return nil, err
		}
	}
	for _, place := range []string{"proc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(container.Root, place), 0o755); err != nil {
			return nil, err
		}
	}
	command := exec.Command("/proc/self/exe")
	command.Env = []string{stageVariable + "=" + string(text)}
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return command, nil
}

// stage runs inside the new mount namespace: it puts the image in place of the root and starts the program.
func stage(text string) error {
	var container container
	if err := json.Unmarshal([]byte(text), &container); err != nil {
		return err
	}
	if err := container.enter(); err != nil {
		return err
	}
	for _, variable := range container.Env {
		name, value, _ := strings.Cut(variable, "=")
		os.Setenv(name, value)
	}
	program, err := exec.LookPath(container.Args[0])
	if err != nil {
		return fmt.Errorf("the image's PATH: %w", err)
	}
	command := exec.Command(program, container.Args[1:]...)
	command.Env = container.Env
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if isMapped(container.User) {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(container.User), Gid: uint32(container.Group)}
	} else {
		// Without root outside there is one user only; in a namespace of its own it has the number that is wanted.
		command.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: container.User, HostID: 0, Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: container.Group, HostID: 0, Size: 1}}
	}
	// What follows holds for one thread and for what it starts.
	runtime.LockOSThread()
	// As allowPrivilegeEscalation: false.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		if command.SysProcAttr.Cloneflags == 0 && capability != unix.CAP_SETUID && capability != unix.CAP_SETGID {
			// Those of newer kernels than these headers know of do not matter: whoever is not root has none.
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		}
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		for one := range signals {
			command.Process.Signal(one)
		}
	}()
	err = command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	return err
}

func (container container) enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	bind := func(source, place string, flags uintptr) error {
		if err := unix.Mount(source, place, "", unix.MS_BIND|flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", place, err)
		}
		return nil
	}
	if err := bind(container.Root, container.Root, 0); err != nil {
		return err
	}
	at := func(place string) string { return filepath.Join(container.Root, place) }
	for place, source := range container.Mounts {
		if err := errors.Join(bind(source, at(place), 0), readOnly(at(place))); err != nil {
			return err
		}
	}
	if err := bind("/proc", at("proc"), unix.MS_REC); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", at("tmp"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mount /tmp: %w", err)
	}
	if err := readOnly(container.Root); err != nil {
		return err
	}
	if err := os.Chdir(container.Root); err != nil {
		return err
	}
	// The old root ends up on top of the new one and is taken away.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}

// readOnly makes a bind mount read-only. Flags that the underlying mount has may not be taken away.
func readOnly(place string) error {
	var state unix.Statfs_t
	if err := unix.Statfs(place, &state); err != nil {
		return err
	}
	keep := uintptr(state.Flags) & (unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC | unix.ST_NOATIME | unix.ST_NODIRATIME | unix.ST_RELATIME)
	if err := unix.Mount("", place, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|keep, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", place, err)
	}
	return nil
}

// isMapped says whether there is such a user here.
func isMapped(user int) bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		first, _ := strconv.Atoi(fields[0])
		size, _ := strconv.Atoi(fields[2])
		if first <= user && user < first+size {
			return true
		}
	}
	return false
}
