package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestServiceAddressIsWhatTheKubeletWouldSet(t *testing.T) {
	for _, test := range []struct{ server, host, port string }{
		{"https://10.77.0.1:6443", "10.77.0.1", "6443"},
		{"https://api.example.com", "api.example.com", "443"},
		{"https://[fd00::1]:6443/prefix", "fd00::1", "6443"},
		{"https://[fd00::1]", "fd00::1", "443"},
		{"http://10.77.0.1:8080", "", ""},
		{"10.77.0.1:6443", "", ""},
	} {
		host, port, err := serviceAddress(test.server)
		if host != test.host || port != test.port || (err == nil) != (test.host != "") {
			t.Errorf("%s: got %q, %q, %v", test.server, host, port, err)
		}
	}
}

func TestVariablesReplaceOlderOnesAndBareNamesRemoveThem(t *testing.T) {
	got := withVariables([]string{"A=1", "B=2", "C=3", "AB=4"}, "A=9", "C", "D=5=6")
	if want := []string{"B=2", "AB=4", "A=9", "D=5=6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokenOfAnotherAccountIsRefused(t *testing.T) {
	// {"sub":"system:serviceaccount:prod:robot"}
	const token = "e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6cHJvZDpyb2JvdCJ9.c2ln\n"
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkToken(path, "prod", "robot"); err != nil {
		t.Error(err)
	}
	if err := checkToken(path, "prod", "other"); err == nil || !strings.Contains(err.Error(), "prod:robot") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("opaque"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkToken(path, "prod", "robot"); err == nil {
		t.Error("something that is no token was accepted")
	}
}

func TestDirectoryServesOneClusterAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if isClaimed(dir) {
		t.Error("claimed before anybody came")
	}
	claimed, err := claimDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !isClaimed(dir) {
		t.Error("not seen as claimed")
	}
	if _, err := claimDirectory(dir); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kubeconfig"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := claimed.release(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestChildrenAreFoundByTheirParent(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	if children := childrenOf(os.Getpid()); !slices.Contains(children, child.Process.Pid) {
		t.Errorf("%d is not among %v", child.Process.Pid, children)
	}
}

func TestRootTriesWithoutUserNamespaceFirst(t *testing.T) {
	for uid, first := range map[int]bool{0: false, 1000: true} {
		if got := isolations(uid)[0].userNamespace; got != first {
			t.Errorf("user %d: user namespace %v", uid, got)
		}
	}
}
