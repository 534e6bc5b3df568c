// The console on screen: found in, copied, and fed while its command runs. A drop or a reload re-attaches by offset.
import { LogLines, piece } from "./log-lines.js";
import { accessEnded, refreshAfterChange } from "./poll.js";

const RETRY_MS = 1000;
const RETRY_MAX_MS = 20000;
const LINE_MAX_CHARS = 20000; // a longer one goes on below: a browser lays out a line as a whole
const TOLD = { timeout: "out of time", "output-limit": "too much output" };
const encoder = new TextEncoder();

// Gives what ends it when the page turns to something else; the command itself goes on.
export function startConsole(section) {
  const lines = new LogLines(section);
  const isStream = "stream" in section.dataset;
  if (!isStream) lines.surface.scrollTop = 0;
  const find = async ({ target }) => {
    (await import("./log-find.js")).startFinding(section, lines);
    target.dispatchEvent(new Event("input")); // what was typed meanwhile
  };
  section.querySelector("[data-find]").addEventListener("focusin", find, { once: true });
  const box = section.querySelector("[data-toggle]");
  box.addEventListener("change", () => lines.surface.classList.toggle(box.dataset.toggle, box.checked));
  if (!isStream && innerWidth < 600) box.click(); // most are tables
  section.querySelector("[data-copy]").addEventListener("click", ({ target }) => {
    target.dataset.copy = [...section.querySelectorAll(".line:not(.said)")].map((each) => each.textContent).join("\n");
  });
  return isStream ? attach(section, lines) : () => {};
}

function attach(section, lines) {
  const [state, progress] = [section.querySelector("[data-state]"), section.querySelector("[data-progress]")];
  const { stream: address, began, limitS, limitBytes } = section.dataset;
  const open = { stdout: null, stderr: null };
  let [offset, bytes, failures, over, socket, timer] = [0, 0, 0, false, null, null];
  lines.clear();

  const count = () => {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(began)) / 1000));
    progress.textContent = `${span(seconds)} of ${span(limitS)}, ${size(bytes)} of ${size(limitBytes)}`;
  };
  const ticking = setInterval(count, 1000);
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };

  function write({ stream, spans, lost }) {
    if (lost) return lines.remark("Some output is gone from the server, and is left out here.");
    const fresh = [];
    const current = () => {
      if (!open[stream]) {
        open[stream] = piece("span", "text");
        const line = piece("div", stream === "stderr" ? "line stderr" : "line");
        line.append(open[stream]);
        fresh.push(line);
      }
      return open[stream];
    };
    for (const [text, classes] of spans) {
      bytes += encoder.encode(text).length;
      text.split("\n").forEach((words, at) => {
        if (at) [current(), open[stream] = null];
        if (words) current().append(classes ? piece("span", classes, words) : words);
        if (open[stream]?.textContent.length > LINE_MAX_CHARS) open[stream] = null;
      });
    }
    return lines.add(fresh, fresh.length);
  }

  // What may be better in a moment is tried again; all else is the end, of the command or of the right to it.
  function end(frame) {
    if (frame.reason === "error") return again(frame.sentence.replace(/\.$/, ""));
    leave();
    count();
    if (frame.ended) accessEnded(frame);
    const { reason, exit_code: code } = frame; // told as the page tells it after a reload
    const exited = reason === "exited";
    const words = exited ? (code === null ? "ended" : `exit code ${code}`) : TOLD[reason] ?? reason;
    const [how, sign] = exited && code === 0 ? ["ok", "●"] : /stop|lost/.test(reason) ? ["neutral", "○"] : ["error", "▲"];
    state.replaceChildren(piece("span", `mark ${how}`, `${sign} ${words}`));
    section.querySelector("form:has([data-stop])")?.remove();
    lines.remark(frame.sentence);
    return refreshAfterChange();
  }

  function again(why) {
    over = true;
    const wait = Math.min(RETRY_MS * 2 ** failures++, RETRY_MAX_MS) * (0.5 + Math.random());
    say(`▲ ${why}, trying again in ${Math.ceil(wait / 1000)} s`);
    timer = setTimeout(connect, wait);
  }

  function connect() {
    const url = new URL(address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ offset, spans: 1 });
    over = false;
    const mine = socket = new WebSocket(url);
    mine.onopen = () => state.replaceChildren(piece("span", "mark progress", "◐ running"));
    mine.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.reason) return end(frame);
      failures = 0;
      offset = frame.offset;
      return write(frame);
    };
    mine.onclose = () => over || mine !== socket || again("The connection dropped");
  }

  function leave() {
    over = true;
    clearInterval(ticking);
    clearTimeout(timer);
    socket.close();
  }

  connect();
  count();
  return leave;
}

const span = (seconds) => (seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} m${seconds % 60 ? ` ${seconds % 60} s` : ""}`);
const size = (count) => (count < 1e6 ? `${+(count / 1e3).toFixed(2)} kB` : `${+(count / 1e6).toFixed(1)} MB`);
