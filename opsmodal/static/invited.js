// A link that was handed on carries its ticket behind the #, which no server sees: move it out of the address, where the
// history would keep it, and into the form. Somebody has to press the button: what merely opens links uses none up.
const MARK = "#ticket=";

function takeTicket() {
  if (!location.hash.startsWith(MARK)) return;
  const form = document.querySelector("[data-invited]");
  form.elements.ticket.value = location.hash.slice(MARK.length);
  history.replaceState(null, "", location.pathname + location.search);
  form.closest("details").open = true;
  form.querySelector("button").focus();
}

addEventListener("hashchange", takeTicket);
takeTicket();
