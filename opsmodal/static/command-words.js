// Completes the word at the cursor, and brings back earlier lines. Enter is never taken: it runs the line as it stands.
const TYPING_MS = 120;
const MASK = "••";

export function startCompleting(line, form) {
  const list = document.createElement("ul");
  Object.assign(list, { id: "words", role: "listbox", ariaLabel: "Words that fit", hidden: true });
  line.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": "words", "aria-expanded": "false" })) line.setAttribute(name, value);
  const address = `${form.closest("[data-commands]").dataset.commands}/completions`;
  let [timer, asking, chosen, back, draft] = [null, null, -1, -1, ""];

  const start = () => line.value.slice(0, line.selectionStart).search(/\S*$/);

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    chosen = -1;
    line.setAttribute("aria-expanded", "false");
    line.removeAttribute("aria-activedescendant");
  }

  function show(items) {
    close();
    list.replaceChildren(...items.map(({ text, kind }, at) => {
      const entry = document.createElement("li");
      const [word, told] = [document.createElement("code"), document.createElement("span")];
      [word.textContent, told.textContent, told.className] = [text, kind, "quiet"];
      Object.assign(entry, { id: `word-${at}`, role: "option", ariaSelected: "false" });
      entry.append(word, told);
      return entry;
    }));
    if (!items.length) return;
    list.hidden = false;
    line.setAttribute("aria-expanded", "true");
  }

  async function ask() {
    const at = line.selectionStart;
    const typed = { line: line.value, at, instance: form.elements.instance?.value || "", mode: form.elements.mode.value };
    asking = new AbortController();
    try {
      const answer = await fetch(`${address}?${new URLSearchParams(typed)}`, { signal: asking.signal });
      const { items } = answer.ok ? await answer.json() : { items: [] };
      const word = line.value.slice(start(), at);
      if (line.value === typed.line && document.activeElement === line) show(items.filter(({ text }) => text !== word));
    } catch {
      list.hidden = true; // a word that is not offered is typed
    }
  }

  function choose(by) {
    const entries = list.children;
    entries[chosen]?.setAttribute("aria-selected", "false");
    chosen = (chosen + by + entries.length + (chosen < 0 && by < 0 ? 1 : 0)) % entries.length;
    entries[chosen].setAttribute("aria-selected", "true");
    entries[chosen].scrollIntoView({ block: "nearest" });
    line.setAttribute("aria-activedescendant", entries[chosen].id);
  }

  function accept(entry) {
    const word = entry.querySelector("code").textContent;
    const space = /[=/]$/.test(word) || /^\s/.test(line.value.slice(line.selectionStart)) ? "" : " ";
    line.setRangeText(word + space, start(), line.selectionStart, "end");
    line.focus();
    close();
    timer = setTimeout(ask, TYPING_MS);
  }

  // Up and down through what ran here before; what was being typed comes back at the end.
  function recall(by) {
    const past = document.querySelectorAll("[data-past] a[data-use]");
    const lines = [...new Set([...past].map((link) => new URL(link.href).searchParams.get("line")))].filter((each) => !each.includes(MASK));
    if (back < 0) draft = line.value;
    back = Math.max(-1, Math.min(back + by, lines.length - 1));
    line.value = lines[back] ?? draft;
  }

  line.addEventListener("input", () => {
    close();
    back = -1;
    if (line.value.trim()) timer = setTimeout(ask, TYPING_MS);
  });
  line.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) list.hidden ? recall(-step) : choose(step);
    else if (list.hidden) return;
    else if (key === "Tab" && !event.shiftKey) accept(list.children[Math.max(chosen, 0)]);
    else if (key === "Escape") [event.stopPropagation(), close()];
    else return;
    event.preventDefault();
  });
  line.addEventListener("blur", close);
  line.form.addEventListener("submit", close);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the line keeps the focus
    const entry = event.target.closest("li");
    if (entry) accept(entry);
  });
}
