// Run with: npm install express && node receiver.mjs
// $WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
// $INBOX is the folder of events, one file each; an empty file has been worked on.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import express from "express";

const TOLERANCE = 5 * 60;
const secrets = process.env.WEBHOOK_SECRETS.split(" ").map((secret) =>
  Buffer.from(secret.replace(/^whsec_/, ""), "base64"),
);
const inbox = process.env.INBOX ?? "inbox";

function verified(request) {
  const id = request.get("webhook-id") ?? "";
  const timestamp = request.get("webhook-timestamp") ?? "";
  if (!/^[\w-]{1,100}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) return false;
  const given = (request.get("webhook-signature") ?? "").split(" ").map((text) => Buffer.from(text));
  return secrets.some((secret) => {
    const digest = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(request.body);
    const expected = Buffer.from(`v1,${digest.digest("base64")}`);
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  });
}

async function store(id, body) {
  const temporary = `${inbox}/${randomUUID()}`;
  const file = await open(temporary, "wx");
  try {
    await file.writeFile(body);
    await file.sync();
    await link(temporary, `${inbox}/${id}.json`);
  } catch (error) {
    if (error.code !== "EEXIST") throw error; // it was here already: a repetition
  } finally {
    await file.close();
    await rm(temporary);
  }
}

let working = Promise.resolve();
const work = () => (working = working.then(workThrough).catch(console.error));

async function workThrough() {
  for (const name of await readdir(inbox)) {
    if (!name.endsWith(".json")) continue;
    const body = await readFile(`${inbox}/${name}`, "utf8");
    if (body === "") continue;
    try {
      await handle(JSON.parse(body));
      await writeFile(`${inbox}/${name}`, ""); // its name stays, so that a repetition is known
    } catch (error) {
      console.error(`${name} is tried again:`, error);
    }
  }
}

// Your own work; after a crash it may be done again for the same event.
async function handle({ type, data: video, watch }) {
  switch (type) {
    case "video.completed":
      return console.log(`${video.id} is ready: ${watch.content_url}`);
    case "video.failed":
      return console.log(`${video.id} failed: ${video.error?.message}`);
    case "video.cancelled":
    case "video.lost":
    case "video.timed_out":
      return console.log(`${video.id} has no video: ${type}`);
  } // a type that you do not need, or a later one
}

const app = express();
app.post("/webhooks", express.raw({ type: "*/*", limit: "1mb" }), async (request, response) => {
  if (!verified(request)) return response.sendStatus(401);
  await store(request.get("webhook-id"), request.body);
  response.sendStatus(204);
  work();
});

await mkdir(inbox, { recursive: true });
work(); // what an earlier process left
setInterval(work, 5000);
app.listen(process.env.PORT ?? 9000, "127.0.0.1");
