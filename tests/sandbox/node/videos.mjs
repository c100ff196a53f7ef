// Makes every video call of the `openai` SDK for Node; prints what it saw as one JSON object.
// Arguments: the SDK's folder, the base URL, the key (sk-sandbox by default).
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, baseURL, apiKey = "sk-sandbox"] = process.argv.slice(2);
const entry = createRequire(`${folder}/`).resolve("openai");
const { OpenAI, toFile } = await import(pathToFileURL(entry));
const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const { videos } = client;

async function completed(prompt) {
  const made = await videos.create({ prompt: `${prompt} [0.2s]`, seconds: "8" });
  let video = made;
  while (video.status === "queued" || video.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 20));
    video = await videos.retrieve(made.id);
  }
  return video;
}

const clip = () => toFile(Buffer.from("clip"), "clip.mp4", { type: "video/mp4" });
const source = await completed("a cat");
const types = {};
for (const variant of ["video", "thumbnail", "spritesheet"]) {
  const content = await videos.downloadContent(source.id, { variant });
  types[variant] = content.headers.get("content-type");
}
const remix = await videos.remix(source.id, { prompt: "at night" });
const edit = await videos.edit({ prompt: "at night", video: { id: source.id } });
const editOfUpload = await videos.edit({ prompt: "at night", video: await clip() });
const extension = await videos.extend({ prompt: "on", seconds: "4", video: { id: source.id } });
const character = await videos.createCharacter({ name: "Mimi", video: await clip() });
const found = await videos.getCharacter(character.id);
const withImage = await videos.create({ prompt: "a cat", input_reference: await clip() });
const listed = [];
for await (const video of videos.list({ limit: 2, order: "asc" })) listed.push(video.id);
const deleted = await videos.delete(source.id);
let missing;
try {
  await videos.retrieve(source.id);
} catch (error) {
  missing = [error.constructor.name, error.code];
}
const calls = Object.getOwnPropertyNames(Object.getPrototypeOf(videos));

console.log(JSON.stringify({
  source, types, remix, edit, editOfUpload, extension, character, found, withImage, listed,
  deleted, missing, calls,
}));
