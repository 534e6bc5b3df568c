// The one dialog for questions. Focus goes into it, and back to where it was.
import { plainClick, rowOf } from "./page.js";

const box = document.getElementById("ask");
let cameFrom = null;
let key = "";

// Shows a question of the server. The button that destroys never has the focus at first, so Enter alone does nothing.
export function openDialog(question, from, about) {
  if (from) [cameFrom, key] = [from, about || ""];
  box.replaceChildren(question);
  if (!box.open) box.showModal();
  (question.querySelector("input[required], input:checked") || question.querySelector("[data-cancel]")).focus();
}

// Closes it and gives the key of the row that it was about.
export function closeDialog() {
  if (box.open) box.close();
  return key;
}

box.addEventListener("close", () => {
  // Closed without an answer, where that is one as well: the page may be left the next moment.
  const left = box.querySelector("form[data-dismiss]");
  if (left) fetch(left.action, { method: "POST", body: new URLSearchParams(new FormData(left)), keepalive: true }).catch(() => {});
  box.replaceChildren();
  (cameFrom?.isConnected ? cameFrom : rowOf(key) || document.getElementById("main")).focus();
});
document.addEventListener("click", (event) => {
  if (plainClick(event, "dialog [data-cancel]")) closeDialog();
});
