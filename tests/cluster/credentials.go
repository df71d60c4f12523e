package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// certificateUser has a client certificate instead of a token, and the administrator's rights too.
const certificateUser = "certificate"

// The users with a token. The controllers have the names they bear in a real cluster, so that the audit log tells
// their requests from everybody else's.
const (
	adminUser      = "admin"
	collectorUser  = "system:serviceaccount:kube-system:generic-garbage-collector"
	namespacesUser = "system:serviceaccount:kube-system:namespace-controller"
)

// credentials are what clients need to know of this cluster.
type credentials struct {
	authority []byte
	tokens    map[string]string
	// Certificate and key of certificateUser.
	clientCertificate, clientKey []byte
}

// credential names a file that only the API server reads.
func (config *clusterConfig) credential(name string) string {
	return filepath.Join(config.path("credentials"), name)
}

// makeCredentials makes the certificates, keys and tokens of a new cluster and writes the API server's part to files.
func makeCredentials(config *clusterConfig) (*credentials, error) {
	if err := os.MkdirAll(config.path("credentials"), 0o700); err != nil {
		return nil, err
	}
	authority, err := newAuthority()
	if err != nil {
		return nil, err
	}
	certificate, serverKey, err := authority.issueServer()
	if err != nil {
		return nil, err
	}
	clientCertificate, clientKey, err := authority.issueClient()
	if err != nil {
		return nil, err
	}
	_, serviceAccountKey, err := newKey()
	if err != nil {
		return nil, err
	}
	made := &credentials{
		authority:         authority.pem,
		tokens:            map[string]string{},
		clientCertificate: clientCertificate,
		clientKey:         clientKey,
	}
	var tokens bytes.Buffer
	for i, user := range []string{adminUser, collectorUser, namespacesUser} {
		made.tokens[user] = rand.Text()
		fmt.Fprintf(&tokens, "%s,%s,%d,system:masters\n", made.tokens[user], user, i)
	}
	files := map[string][]byte{
		"authority.crt":       authority.pem,
		"server.crt":          certificate,
		"server.key":          serverKey,
		"service-account.key": serviceAccountKey,
		"tokens.csv":          tokens.Bytes(),
	}
	for name, content := range files {
		if err := os.WriteFile(config.credential(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func serverURL() string { return fmt.Sprintf("https://%s:%d", clusterAddress, apiServerPort) }

func (made *credentials) clientConfig(user string) *rest.Config {
	return &rest.Config{
		Host:            serverURL(),
		BearerToken:     made.tokens[user],
		TLSClientConfig: rest.TLSClientConfig{CAData: made.authority},
		QPS:             -1, // the server's own flow control is enough
	}
}

// writeKubeconfig writes the administrator's kubeconfig. It appears at once and whole.
func (made *credentials) writeKubeconfig(path string) error {
	const name = "test"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: serverURL(), CertificateAuthorityData: made.authority}
	kubeconfig.AuthInfos[adminUser] = &clientcmdapi.AuthInfo{Token: made.tokens[adminUser]}
	kubeconfig.AuthInfos[certificateUser] = &clientcmdapi.AuthInfo{
		ClientCertificateData: made.clientCertificate,
		ClientKeyData:         made.clientKey,
	}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: adminUser}
	kubeconfig.CurrentContext = name
	content, err := clientcmd.Write(*kubeconfig)
	if err != nil {
		return err
	}
	return writeAtomically(path, content, 0o600)
}

// authority is a certificate authority apart from the server's own certificate: strict clients refuse a server that
// shows a certificate that is its own authority.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         []byte
}

func newAuthority() (*authority, error) {
	key, _, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test-cluster-authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key, encodePEM("CERTIFICATE", der)}, nil
}

// issueServer returns the API server's certificate and key.
func (issuer *authority) issueServer() (certificate, keyPEM []byte, err error) {
	return issuer.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.ParseIP(clusterAddress), net.ParseIP(firstServiceIP), net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		},
	})
}

// issueClient returns the certificate and key of certificateUser: the API server takes the names from the subject.
func (issuer *authority) issueClient() (certificate, keyPEM []byte, err error) {
	return issuer.issue(&x509.Certificate{
		SerialNumber: big.NewInt(3),
		Subject:      pkix.Name{CommonName: certificateUser, Organization: []string{"system:masters"}},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (issuer *authority) issue(template *x509.Certificate) (certificate, keyPEM []byte, err error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore, template.NotAfter = issuer.certificate.NotBefore, issuer.certificate.NotAfter
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
	return encodePEM("CERTIFICATE", der), keyPEM, err
}

func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, encodePEM("EC PRIVATE KEY", der), nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
