// The Logs tab: follow, clear, and how the lines are shown. View and Download are the form's own.
import { startFinding } from "./log-find.js";
import { LogLines } from "./log-lines.js";
import { Follow } from "./log-socket.js";
import { accessEnded } from "./poll.js";

const ASKED = ["instance", "container", "tail", "since", "search"];

function startLogs() {
  const section = document.querySelector("[data-logs]");
  if (!section) return;
  const lines = new LogLines(section);
  const form = section.querySelector("form");
  const button = section.querySelector("[data-follow-button]");
  const state = section.querySelector("[data-log-state]");
  let following = null;

  function stop(text = "Stopped") {
    following?.stop();
    following = null;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Follow";
    state.textContent = text;
  }

  function start() {
    const sent = new FormData(form);
    const asked = Object.fromEntries(ASKED.map((name) => [name, sent.get(name) || ""]).filter(([, value]) => value));
    lines.clear();
    lines.sources = asked.instance === "*" || asked.container === "*";
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
    following = new Follow(section.dataset.follow, asked, {
      lines: (fresh) => lines.append(fresh),
      say: (sentence) => lines.remark(sentence),
      state: (text) => { if (state.textContent !== text) state.textContent = text; },
      ended: (frame) => {
        stop("Ended");
        if (frame.ended) accessEnded(frame);
      },
    });
  }

  button.addEventListener("click", () => (following ? stop() : start()));
  section.querySelector("[data-clear]").addEventListener("click", (event) => {
    event.preventDefault();
    lines.clear();
    if (!following) state.textContent = "";
  });
  for (const box of section.querySelectorAll("[data-toggle]")) {
    box.addEventListener("change", () => lines.surface.classList.toggle(box.dataset.toggle, box.checked));
  }
  addEventListener("pagehide", () => following?.stop());
  startFinding(section, lines);
}

startLogs();
