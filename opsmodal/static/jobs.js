// Follows the jobs on this page: each line says where it stands as it happens, and the page is asked for anew when a
// step changes. Without it the page asks by the clock.
import { refreshAfterChange } from "./poll.js";

const open = new Map();

function follow(line) {
  const url = new URL(line.dataset.job, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  const { id } = line;
  let steps = "";
  open.set(id, socket);
  socket.onmessage = ({ data }) => {
    const job = JSON.parse(data);
    const now = document.querySelector(`#${CSS.escape(id)} [data-job-sentence]`);
    if (now && job.sentence && now.textContent !== job.sentence) now.textContent = job.sentence;
    const seen = JSON.stringify([job.state, job.steps]);
    if (steps && seen !== steps) refreshAfterChange();
    steps = seen;
  };
  socket.onclose = () => open.delete(id);
}

function look() {
  for (const line of document.querySelectorAll("[data-job]")) if (!open.has(line.id)) follow(line);
}

document.addEventListener("taken", look);
addEventListener("pagehide", () => { for (const socket of open.values()) socket.close(); });
look();
