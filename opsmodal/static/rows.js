// Rows that open in place. The link goes to the same on its own page; what opens them is loaded with the first.
import { NO_ANSWER, plainClick, rowOf, say } from "./page.js";

const toggle = (link) => import("./opened.js").then((opened) => opened.toggle(link), () => say(NO_ANSWER));

// The key that the address names; whatever else somebody wrote there names no row.
function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

function startRows() {
  document.addEventListener("click", (event) => {
    const link = plainClick(event, "tr[data-key] a[data-open]");
    if (link) toggle(link);
  });
  const row = rowOf(named());
  const link = row?.querySelector("a[data-enter][data-open]");
  row?.focus();
  if (link) toggle(link);
}

startRows();
