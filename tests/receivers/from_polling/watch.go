package main

import (
	"fmt"
	"log"
	"net/http"
	"strings"
)

func main() {
	videoID := "video_68f10985d6c4819097007665bdcfba5f"
	body := fmt.Sprintf(`{"video_id": %q, "metadata": {"user": "7"}}`, videoID)
	answer, err := http.Post("http://127.0.0.1:8787/v1/watches", "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		log.Fatal(answer.Status)
	}
	fmt.Println(videoID, "is watched")
}
