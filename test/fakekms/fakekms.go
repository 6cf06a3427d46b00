// Package fakekms is a KMS on loopback, for the real client: it encrypts and decrypts, holds
// both to one encryption context, and fails as KMS does when it is told to.
package fakekms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// ARN is the key that the server has.
const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// KMS is a running server.
type KMS struct {
	Endpoint string

	mu      sync.Mutex
	aead    cipher.AEAD
	failure string // code of the API, or "503"
	message string
	calls   map[string]int
}

// New starts a server that ends with the test.
func New(t testing.TB) *KMS {
	t.Helper()
	k, stop, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return k
}

// Start starts a server.
func Start() (k *KMS, stop func(), err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	k = &KMS{calls: map[string]int{}}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil, nil, err
	}
	s := httptest.NewServer(k)
	k.Endpoint = s.URL
	return k, s.Close, nil
}

// Fail lets every call fail with a code of the API, or with the status 503; "" ends that.
func (k *KMS) Fail(code, message string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure, k.message = code, message
}

// Calls is how often an operation was called: "Encrypt", "Decrypt".
func (k *KMS) Calls(operation string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls[operation]
}

type request struct {
	KeyID             string            `json:"KeyId"`
	Plaintext         []byte            `json:"Plaintext,omitempty"`
	CiphertextBlob    []byte            `json:"CiphertextBlob,omitempty"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitempty"`
}

// ServeHTTP speaks KMS's protocol (AWS JSON 1.1).
func (k *KMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	k.calls[operation]++
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in request
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case k.failure == "503":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case k.failure != "":
		refuse(w, k.failure, k.message)
		return
	case err != nil:
		refuse(w, "SerializationException", "")
		return
	case in.KeyID != ARN:
		refuse(w, "NotFoundException", "Key '"+in.KeyID+"' does not exist")
		return
	}
	associated, _ := json.Marshal(in.EncryptionContext) // in the order of the names: never fails
	out := request{KeyID: ARN}
	switch operation {
	case "Encrypt":
		nonce := make([]byte, k.aead.NonceSize())
		_, _ = rand.Read(nonce) // never fails: crypto/rand
		out.CiphertextBlob = k.aead.Seal(nonce, nonce, in.Plaintext, associated)
	case "Decrypt":
		n := k.aead.NonceSize()
		if len(in.CiphertextBlob) < n {
			refuse(w, "InvalidCiphertextException", "")
			return
		}
		plain, err := k.aead.Open(nil, in.CiphertextBlob[:n], in.CiphertextBlob[n:], associated)
		if err != nil {
			refuse(w, "InvalidCiphertextException", "")
			return
		}
		out.Plaintext = plain
	default:
		refuse(w, "UnknownOperationException", "")
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

func refuse(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
