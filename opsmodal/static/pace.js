// How rows are renewed: at once, every 30 s, or only when somebody asks. The choice stays in this browser.
import { every, nextAt, refresh } from "./poll.js";
import { liveness, secondsUntil } from "./strip.js";

const EVERY_MS = { 30: 30000, off: Infinity };

function show() {
  const pace = document.body.dataset.pace || "live";
  for (const button of document.querySelectorAll("button[data-pace]")) {
    button.setAttribute("aria-pressed", String(button.dataset.pace === pace));
  }
  for (const button of document.querySelectorAll("[data-refresh]")) button.hidden = pace === "live";
}

function choose(pace) {
  if (pace in EVERY_MS) document.body.dataset.pace = pace;
  else delete document.body.dataset.pace;
  every(EVERY_MS[pace]);
  show();
  tell();
  document.dispatchEvent(new Event("paced"));
}

function tell() {
  const pace = document.body.dataset.pace;
  if (pace) liveness(pace === "off" ? "Held" : nextAt() ? `Again in ${Math.max(0, secondsUntil(nextAt()))} s` : "", true);
}

document.addEventListener("click", ({ target }) => {
  const pace = target.closest("button[data-pace]")?.dataset.pace;
  if (target.closest("[data-refresh]")) refresh();
  if (!pace) return;
  try {
    localStorage.setItem("pace", pace);
  } catch { /* not kept, but in force on this page */ }
  choose(pace);
  if (pace in EVERY_MS && pace !== "off") refresh();
});
let kept = null;
try { kept = localStorage.getItem("pace"); } catch { /* storage switched off */ }
choose(kept || "live");
document.addEventListener("taken", tell);
setInterval(tell, 1000);
