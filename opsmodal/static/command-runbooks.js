// Writes the line of a runbook out of its form. It is judged like any other when somebody runs it.

// What is no pattern here may be one on the server, which looks itself.
function fits({ value, dataset }) {
  try {
    return new RegExp(`^(?:${dataset.fits})$`).test(value);
  } catch {
    return true;
  }
}

const quoted = (value) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

export function fillFrom(book, line) {
  for (const field of book.querySelectorAll("[data-fits]")) {
    field.setCustomValidity(fits(field) ? "" : field.title);
    field.oninput = () => field.setCustomValidity("");
  }
  if (!book.reportValidity()) return;
  const typed = new FormData(book);
  line.value = book.dataset.runbook.replace(/\{([\w-]+)\}/g, (all, name) => (typed.has(name) ? quoted(typed.get(name)) : all));
  line.focus();
}
