// Package age holds our key backups against the age tool's own implementation, both ways.
//
// KUBESEAL_BIN names the kubeseal to test.
package age

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
)

const (
	keyFiles    = "../../kubeseal/tests/key-files"
	passphrase  = "correct horse"
	fingerprint = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k"
)

// A way to encrypt, in the words of either side.
type way struct {
	name      string
	recipient string // of --recipient; empty for a passphrase
	identity  string // file for --identity
	theirs    age.Recipient
	opener    age.Identity
}

func ways(t *testing.T) []way {
	t.Helper()
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(keyFiles, name))
		check(t, err)
		return content
	}
	key, err := age.GenerateX25519Identity()
	check(t, err)
	identity := filepath.Join(t.TempDir(), "identity.txt")
	check(t, os.WriteFile(identity, []byte("# created by a test\n"+key.String()+"\n"), 0o600))
	all := []way{{"x25519", key.Recipient().String(), identity, key.Recipient(), key}}

	for _, name := range []string{"ed25519", "rsa", "rsa-pem"} {
		public := strings.TrimSpace(string(read(name + ".pub")))
		recipient, err := agessh.ParseRecipient(public)
		check(t, err)
		opener, err := agessh.ParseIdentity(read(name))
		check(t, err)
		all = append(all, way{name, public, filepath.Join(keyFiles, name), recipient, opener})
	}

	theirs, err := age.NewScryptRecipient(passphrase)
	check(t, err)
	theirs.SetWorkFactor(10)
	opener, err := age.NewScryptIdentity(passphrase)
	check(t, err)
	return append(all, way{"passphrase", "", "", theirs, opener})
}

func TestAgeOpensOurBackups(t *testing.T) {
	server := apiServer(t)
	plain := run(t, "keys", "backup", "--server", server)
	if !strings.Contains(plain, "sealed-secrets-key-a") {
		t.Fatalf("no key in the backup:\n%s", plain)
	}
	for _, way := range ways(t) {
		t.Run(way.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "keys.age")
			run(t, append([]string{"keys", "backup", "--server", server, "-w", file}, lock(t, way)...)...)
			content, err := os.ReadFile(file)
			check(t, err)
			if bytes.Contains(content, []byte("sealed-secrets-key-a")) {
				t.Fatal("the backup is not encrypted")
			}
			opened, err := age.Decrypt(armor.NewReader(bytes.NewReader(content)), way.opener)
			check(t, err)
			got, err := io.ReadAll(opened)
			check(t, err)
			if string(got) != plain {
				t.Fatalf("something else came out:\n%s", got)
			}
			info, err := os.Stat(file)
			check(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Fatalf("mode %o", info.Mode().Perm())
			}
		})
	}
}

func TestKubesealOpensWhatAgeEncrypted(t *testing.T) {
	key, err := os.ReadFile(filepath.Join(keyFiles, "a.key"))
	check(t, err)
	for _, way := range ways(t) {
		for _, armored := range []bool{false, true} {
			name := way.name
			if armored {
				name += ", armored"
			}
			t.Run(name, func(t *testing.T) {
				var content bytes.Buffer
				var out io.WriteCloser = nopCloser{&content}
				if armored {
					out = armor.NewWriter(&content)
				}
				writer, err := age.Encrypt(out, way.theirs)
				check(t, err)
				_, err = writer.Write(key)
				check(t, err)
				check(t, writer.Close())
				check(t, out.Close())
				file := filepath.Join(t.TempDir(), "keys.age")
				check(t, os.WriteFile(file, content.Bytes(), 0o600))
				listed := run(t, append([]string{"keys", "list", "--from-keys", file}, unlock(t, way)...)...)
				if !strings.Contains(listed, fingerprint) {
					t.Fatalf("the key is not listed:\n%s", listed)
				}
			})
		}
	}
}

func TestKubesealOpensWithALockedKey(t *testing.T) {
	public, err := os.ReadFile(filepath.Join(keyFiles, "ed25519-locked.pub"))
	check(t, err)
	recipient, err := agessh.ParseRecipient(strings.TrimSpace(string(public)))
	check(t, err)
	way := way{"locked", "", filepath.Join(keyFiles, "ed25519-locked"), recipient, nil}
	key, err := os.ReadFile(filepath.Join(keyFiles, "a.key"))
	check(t, err)
	var content bytes.Buffer
	writer, err := age.Encrypt(&content, way.theirs)
	check(t, err)
	_, err = writer.Write(key)
	check(t, err)
	check(t, writer.Close())
	file := filepath.Join(t.TempDir(), "keys.age")
	check(t, os.WriteFile(file, content.Bytes(), 0o600))
	listed := run(t, "keys", "list", "--from-keys", file, "--identity", way.identity, "--passphrase-file", secret(t))
	if !strings.Contains(listed, fingerprint) {
		t.Fatalf("the key is not listed:\n%s", listed)
	}
}

func lock(t *testing.T, way way) []string {
	if way.recipient != "" {
		return []string{"--recipient", way.recipient}
	}
	return []string{"--passphrase-file", secret(t)}
}

func unlock(t *testing.T, way way) []string {
	if way.identity != "" {
		return []string{"--identity", way.identity}
	}
	return []string{"--passphrase-file", secret(t)}
}

func secret(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "passphrase")
	check(t, os.WriteFile(file, []byte(passphrase+"\n"), 0o600))
	return file
}

// apiServer has two key Secrets and nothing else.
func apiServer(t *testing.T) string {
	var items []map[string]any
	for _, name := range []string{"a", "b"} {
		data := map[string]string{}
		for item, suffix := range map[string]string{"tls.key": "key", "tls.crt": "crt"} {
			content, err := os.ReadFile(filepath.Join(keyFiles, name+"."+suffix))
			check(t, err)
			data[item] = base64.StdEncoding.EncodeToString(content)
		}
		items = append(items, map[string]any{
			"metadata": map[string]any{
				"name": "sealed-secrets-key-" + name, "namespace": "kube-system", "uid": "u", "resourceVersion": "1",
				"labels": map[string]string{"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
			},
			"type": "kubernetes.io/tls", "data": data,
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/api/v1/namespaces/kube-system/secrets" {
			http.NotFound(writer, request)
			return
		}
		list := map[string]any{"kind": "SecretList", "apiVersion": "v1", "items": items}
		if err := json.NewEncoder(writer).Encode(list); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// run gives the standard output of a kubeseal that must succeed.
func run(t *testing.T, args ...string) string {
	t.Helper()
	binary := os.Getenv("KUBESEAL_BIN")
	if binary == "" {
		t.Fatal("KUBESEAL_BIN does not name kubeseal")
	}
	var stdout, stderr bytes.Buffer
	command := exec.Command(binary, args...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("kubeseal %v: %v\n%s", args, err, stderr.String())
	}
	return stdout.String()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
