const videoId = "video_68f10985d6c4819097007665bdcfba5f";

const answer = await fetch("http://127.0.0.1:8787/v1/watches", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ video_id: videoId, metadata: { user: "7" } }),
});
if (!answer.ok) throw new Error((await answer.json()).detail);
console.log(videoId, "is watched");
