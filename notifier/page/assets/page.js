// Keeps the page up to date over /v1/stream. Without it the page shows what it was loaded with.
"use strict";

const byKey = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);
const live = document.getElementById("live");
const MOST_ROWS = { videos: 100, events: 20 };

// --- how values are shown: text is only ever set as text ------------------------------------

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function distance(at) {
  const seconds = Math.round(at - Date.now() / 1000);
  const away = Math.abs(seconds);
  if (away < 2) return "now";
  const first = UNITS.findIndex(([, size]) => away >= size);
  let left = away;
  const parts = UNITS.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? `${count} ${name}` : "";
  });
  const text = parts.filter(Boolean).join(" ");
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function counts(row) {
  const states = ["delivered", "pending", "held", "dead", "cancelled"];
  const words = states.filter((state) => row[state]).map((state) => `${row[state]} ${state}`);
  return words.join(", ") || "no deliveries";
}

function showTime(element, at) {
  if (at === null || at === undefined) {
    delete element.dataset.at;
    element.textContent = "—";
    element.removeAttribute("title");
    return;
  }
  const date = new Date(at * 1000);
  element.dataset.at = at;
  element.dateTime = date.toISOString();
  element.title = date.toISOString().slice(0, 19).replace("T", " ") + " UTC";
  element.textContent = distance(at);
}

const SHOW = {
  text: (element, value) => { element.textContent = value ?? ""; },
  time: showTime,
  percent: (element, value) => { element.textContent = value === null ? "—" : `${value} %`; },
  counts: (element, value) => { element.textContent = counts(value); },
  value: (element, value) => { if (value !== undefined) element.value = value; },
  path: (element, value) => element.setAttribute("d", value),
  state: (element, value) => {
    element.textContent = value || "not seen yet";
    element.dataset.state = value || "";
  },
  progress: (element, value) => {
    if (value === null) element.removeAttribute("value");
    else element.value = value;
  },
  event: (element, value) => {
    element.textContent = value;
    element.href = `/events/${encodeURIComponent(value)}`;
  },
  about: (element, value, row) => { element.textContent = value ?? row.endpoint ?? ""; },
  reason: (element, value) => { element.textContent = value ?? ""; element.hidden = !value; },
  unless: (element, value, row) => {
    element.textContent = value ?? "";
    element.hidden = !value || row[element.dataset.on] === element.dataset.unless;
  },
  shown: (element, value) => { element.hidden = value === null; },
};

function lookUp(row, path) {
  return path ? path.split(".").reduce((value, name) => value?.[name], row) : row;
}

function fill(element, row) {
  for (const part of element.querySelectorAll("[data-field]")) {
    const value = lookUp(row, part.dataset.field);
    if (value !== undefined) SHOW[part.dataset.as ?? "text"](part, value, row);
  }
}

// --- applying what has changed ----------------------------------------------------------------

function showEmptiness(name) {
  const body = document.getElementById(name);
  const isEmpty = body.rows.length === 0;
  for (const each of document.querySelectorAll(`[data-empty="${name}"]`)) each.hidden = !isEmpty;
  for (const each of document.querySelectorAll(`[data-full="${name}"]`)) each.hidden = isEmpty;
}

function update(key, row) {
  const element = byKey(key);
  if (element) fill(element, row);
  return Boolean(element);
}

function addRow(name, key, row, atTop) {
  const body = document.getElementById(name);
  if (!body || !("live" in body.dataset)) return;
  if (!atTop && body.rows.length >= MOST_ROWS[name]) return;
  const template = document.getElementById(`${name.slice(0, -1)}-row`);
  const element = template.content.firstElementChild.cloneNode(true);
  element.dataset.key = key;
  fill(element, row);
  for (const button of element.querySelectorAll("button .spoken")) button.textContent = row.video_id;
  if (atTop) body.prepend(element);
  else body.append(element);
  while (body.rows.length > MOST_ROWS[name]) body.lastElementChild.remove();
  showEmptiness(name);
}

function health(row) {
  if (row.disabled !== null) return "disabled";
  return row.failing ? "failing" : "ok";
}

function apply(changes) {
  for (const row of changes.gateways ?? []) update(`gateway:${row.name}`, row);
  for (const row of changes.endpoints ?? []) update(`endpoint:${row.name}`, { ...row, health: health(row) });
  for (const row of changes.videos ?? []) {
    const key = `video:${row.gateway}/${row.video_id}`;
    if (!update(key, row)) addRow("videos", key, row, false);
  }
  const body = document.getElementById("videos");
  for (const [gateway, id] of changes.closed ?? []) {
    if (!body || !("live" in body.dataset)) break;
    const row = byKey(`video:${gateway}/${id}`);
    if (row && !row.contains(document.activeElement)) row.remove();
    else if (row) fill(row, { status: "ended" });
    showEmptiness("videos");
  }
  for (const row of [...(changes.events ?? [])].reverse()) {
    if (!update(`event:${row.id}`, row)) addRow("events", `event:${row.id}`, row, true);
    const shown = document.querySelector("[data-event]");
    if (shown && shown.dataset.event === row.id) replace("[data-event]");
  }
  for (const total of document.querySelectorAll("[data-total]")) {
    if (changes.watches) total.textContent = changes.watches.open;
  }
}

async function replace(selector) {
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [from, to] = [fresh.querySelector(selector), document.querySelector(selector)];
  if (!from || !to) return undefined;
  to.replaceWith(document.adoptNode(from));
  document.body.dataset.stream = fresh.body.dataset.stream;
  return tick();
}

// --- the stream -------------------------------------------------------------------------------

let source = null;
let position = document.body.dataset.stream;

function say(text, state) {
  if (live.textContent !== text) live.textContent = text;
  live.dataset.state = state;
}

function open() {
  source = new EventSource(`/v1/stream?after=${encodeURIComponent(position)}`);
  source.onopen = () => say("live", "ok");
  source.onerror = () => {
    say("not live: connecting", "failing");
    // refused for good, such as when the session has ended: the page itself says what to do
    if (source.readyState === EventSource.CLOSED) setTimeout(retry, 3000);
  };
  source.addEventListener("changes", (message) => {
    position = message.lastEventId;
    apply(JSON.parse(message.data));
  });
  source.addEventListener("reset", (message) => {
    position = message.lastEventId;
    replace("main");
  });
}

function close() {
  source?.close();
  source = null;
}

async function retry() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    if (answer.redirected) location.reload();
    else { close(); open(); }
  } catch {
    setTimeout(retry, 3000);
  }
}

// a browser opens six connections to one host: a tab that is not seen gives its own back
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else if (!source) open();
});
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (shown) => { if (shown.persisted && !source) open(); });

// --- the rest ---------------------------------------------------------------------------------

function tick() {
  for (const each of document.querySelectorAll("time[data-at]")) {
    const text = distance(Number(each.dataset.at));
    if (each.textContent !== text) each.textContent = text;
  }
}

document.addEventListener("submit", (submitted) => {
  const question = submitted.target.dataset.confirm;
  if (question && !window.confirm(question)) submitted.preventDefault();
});

const here = new URL(location.href);
if (here.searchParams.has("notice")) {
  here.searchParams.delete("notice");
  history.replaceState(null, "", here);
}

tick();
setInterval(tick, 1000);
if (!document.hidden) open();
