// One socket a page: what changes on the view that is on screen. While it is down the page is asked for by the clock,
// and says so; a page that nobody looks at has none, and catches up when it is looked at again.
import { apply, shown, startRowsMoving } from "./live-rows.js";
import { accessEnded, isOver, refresh, resume, suspend } from "./poll.js";
import { asOf, calm, complain, liveness, secondsUntil } from "./strip.js";

const RETRY_MS = 1000;
const RETRY_MAX_MS = 20000;
const SILENT_MAX_MS = 40000; // the server says something every fifteen seconds
const CONNECT_MAX_MS = 10000;

let socket = null;
let asked = "";
let failures = 0;
let timer = null;
let triesAt = 0;
let heardAt = 0;
let live = false;
let stale = false;
let waits = "";

const section = () => document.querySelector("#content[data-shape]");
const paced = () => document.body.dataset.pace; // somebody wants it by the clock, or not at all

function open() {
  close();
  if (document.hidden || !section() || isOver() || paced()) return;
  const url = new URL(section().dataset.live, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = asked = location.search;
  url.searchParams.set("rows", "html");
  const mine = new WebSocket(url);
  socket = mine;
  heardAt = Date.now();
  mine.onopen = catchUp;
  mine.onmessage = ({ data }) => { if (mine === socket) hear(JSON.parse(data)); };
  mine.onclose = () => { if (mine === socket) again(); };
}

function close() {
  clearTimeout(timer);
  const old = socket;
  socket = null;
  live = false;
  triesAt = 0;
  old?.close();
}

function again(least = 0) {
  close();
  resume();
  const wait = Math.max(least, Math.min(RETRY_MS * 2 ** failures++, RETRY_MAX_MS) * (0.5 + Math.random()));
  triesAt = Date.now() + wait;
  timer = setTimeout(open, wait);
  show();
}

function catchUp() {
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ have: shown(), shape: section()?.dataset.shape }));
}

async function hear(frame) {
  heardAt = Date.now();
  if (frame.reload) return catchUp();
  if (frame.reason) {
    close();
    if (frame.ended) accessEnded(frame);
    else await refresh(); // shows what has changed
    if (isOver()) return show();
    if (frame.reason === "changed") return open();
    return again(frame.reason === "refused" ? RETRY_MAX_MS : 0);
  }
  failures = 0;
  live = true;
  suspend();
  asOf(frame.as_of);
  stale = frame.stale;
  if (stale) complain(frame.problem, Date.parse(frame.as_of), heardAt + frame.retry_s * 1000);
  else calm();
  apply(frame);
  show();
}

function show() {
  if (paced()) return;
  if (socket && Date.now() - heardAt > (live ? SILENT_MAX_MS : CONNECT_MAX_MS)) again();
  const waiting = secondsUntil(triesAt);
  if (triesAt) liveness(`Not live, trying again ${waiting > 0 ? `in ${waiting} s` : "now"}.`, false);
  else liveness(isOver() ? "Not live." : live ? [stale ? "" : "Live", waits].filter(Boolean).join(", ") : "", !isOver());
}

startRowsMoving((text) => { waits = text; show(); });
document.addEventListener("paced", open);
document.addEventListener("visibilitychange", () => {
  if (paced()) return;
  if (document.hidden) suspend();
  open();
});
// Sorted or filtered, or a page was taken that may be older than what came over the socket.
document.addEventListener("taken", () => {
  show();
  if (asked !== location.search) open();
  else catchUp();
});
document.addEventListener("back", () => { if (socket?.readyState !== WebSocket.OPEN) open(); });
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) open(); });
setInterval(show, 1000);
open();
