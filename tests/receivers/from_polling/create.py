"""Make a video through notifier, which watches it; an event says how it ended."""

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8788/main/v1")  # instead of the gateway's
video = client.videos.create(
    model="sora-2",
    prompt="A cat on a motorcycle",
    extra_headers={"Notifier-Metadata": '{"user": "7"}'},
)
print(video.id, "is watched")
