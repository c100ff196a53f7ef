curl -sS http://127.0.0.1:8787/v1/watches -H 'Content-Type: application/json' \
    -d '{"video_id": "video_68f10985d6c4819097007665bdcfba5f", "metadata": {"user": "7"}}'
