// Adds rows for new keys to the form of a ConfigMap or Secret. Without script there are two of them.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-key]");
  if (!button) return;
  const rows = document.querySelectorAll("[data-key-row]");
  const last = rows[rows.length - 1];
  const before = last.querySelector("textarea").name.split(".").pop();
  const number = String(Number(before) + 1);
  const row = last.cloneNode(true);
  for (const each of row.querySelectorAll("[name], [id], [for]")) {
    for (const name of ["name", "id", "for"]) {
      const text = each.getAttribute(name);
      if (text) each.setAttribute(name, text.replace(/\.\d+$/, `.${number}`));
    }
    if ("value" in each) each.value = "";
  }
  last.after(row);
  row.querySelector("input").focus();
});
