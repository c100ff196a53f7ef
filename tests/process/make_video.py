"""Make a video, wait for it, and save it."""

import os
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    api_key=os.environ["OPENAI_API_KEY"],
    base_url="http://127.0.0.1:8788/main/v1",  # this line is the only change
)

video = client.videos.create(model="sora-2", prompt="A cat on a motorcycle")
print(video.id, video.status)

video = client.videos.poll(video.id)
print(video.id, video.status)

client.videos.download_content(video.id).write_to_file("cat.mp4")
print("cat.mp4", Path("cat.mp4").stat().st_size, "bytes")
