// The one dialog for questions. Focus goes into it, and back to where it was.
const dialog = () => document.getElementById("ask");
let cameFrom = null;
let key = "";

// Shows a question of the server. The button that destroys never has the focus at first, so Enter alone does nothing.
export function openDialog(question, from, about) {
  const box = dialog();
  if (from) {
    cameFrom = from;
    key = about || "";
  }
  box.replaceChildren(question);
  if (!box.open) box.showModal();
  (question.querySelector('input:not([type="hidden"])') || question.querySelector("[data-cancel]")).focus();
}

// Closes it and gives the key of the row that it was about.
export function closeDialog() {
  if (dialog().open) dialog().close();
  return key;
}

function focusBack() {
  dialog().replaceChildren();
  const row = key && document.querySelector(`tr[data-key="${CSS.escape(key)}"]`);
  if (cameFrom?.isConnected) cameFrom.focus();
  else (row || document.getElementById("main")).focus();
}

export function startDialogs() {
  dialog().addEventListener("close", focusBack);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("dialog [data-cancel]")) return;
    event.preventDefault();
    closeDialog();
  });
  for (const button of document.querySelectorAll("[data-keys]")) button.addEventListener("click", showKeys);
}

export function showKeys() {
  document.getElementById("keys").showModal();
}
