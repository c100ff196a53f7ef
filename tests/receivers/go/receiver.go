// Run with: go run receiver.go
// $WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
// $INBOX is the folder of events, one file each; an empty file has been worked on.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

var (
	secrets   [][]byte
	inbox     = setting("INBOX", "inbox")
	arrived   = make(chan bool, 1)
	messageID = regexp.MustCompile(`^[\w-]{1,100}$`)
)

func verified(header http.Header, body []byte) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 40)
	if err != nil || !messageID.MatchString(id) {
		return false
	}
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return false
	}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, given := range strings.Split(header.Get("webhook-signature"), " ") {
			if hmac.Equal([]byte(given), []byte(expected)) {
				return true
			}
		}
	}
	return false
}

func store(id string, body []byte) error {
	file, err := os.CreateTemp(inbox, "new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.Write(body); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	err = os.Link(file.Name(), filepath.Join(inbox, id+".json"))
	if errors.Is(err, fs.ErrExist) {
		return nil // it was here already: a repetition
	}
	return err
}

type event struct {
	Type string
	Data struct {
		ID    string
		Error *struct{ Message string }
	}
	Watch struct {
		ContentURL string `json:"content_url"`
		Metadata   map[string]string
	}
}

// handle is your own work; after a crash it may be done again for the same event.
func handle(e event) {
	switch e.Type {
	case "video.completed":
		fmt.Println(e.Data.ID, "is ready:", e.Watch.ContentURL)
	case "video.failed":
		message := ""
		if e.Data.Error != nil {
			message = e.Data.Error.Message
		}
		fmt.Println(e.Data.ID, "failed:", message)
	case "video.cancelled", "video.lost", "video.timed_out":
		fmt.Println(e.Data.ID, "has no video:", e.Type)
	} // else a type that you do not need, or a later one
}

// work handles what is stored, what an earlier process left first.
func work() {
	for {
		paths, _ := filepath.Glob(filepath.Join(inbox, "*.json"))
		for _, path := range paths {
			body, err := os.ReadFile(path)
			if err == nil && len(body) == 0 {
				continue
			}
			var e event
			if err == nil {
				err = json.Unmarshal(body, &e)
			}
			if err != nil {
				log.Print(path, ": ", err)
				continue
			}
			handle(e)
			if err := os.Truncate(path, 0); err != nil { // the name stays: a repetition is known
				log.Print(err)
			}
		}
		select {
		case <-arrived:
		case <-time.After(5 * time.Second):
		}
	}
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || !verified(r.Header, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := store(r.Header.Get("webhook-id"), body); err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusInternalServerError) // it will come again
		return
	}
	w.WriteHeader(http.StatusNoContent)
	select {
	case arrived <- true:
	default:
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	for _, word := range strings.Fields(os.Getenv("WEBHOOK_SECRETS")) {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(word, "whsec_"))
		if err != nil {
			log.Fatal("WEBHOOK_SECRETS: ", err)
		}
		secrets = append(secrets, secret)
	}
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	go work()
	http.HandleFunc("/webhooks", receive)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+setting("PORT", "9000"), nil))
}
