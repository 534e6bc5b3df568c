// Finds text in the lines on screen: how many, which one, next and previous.
export function startFinding(section, lines) {
  const form = section.querySelector("[data-find]");
  const [field, told] = [form.querySelector("input"), form.querySelector("[data-found]")];
  let found = [];
  let at = -1;

  function search() {
    const needle = field.value.toLowerCase();
    for (const line of lines.list.querySelectorAll(".found, .current")) line.classList.remove("found", "current");
    found = needle ? [...lines.list.children].filter((line) => line.textContent.toLowerCase().includes(needle)) : [];
    for (const line of found) line.classList.add("found");
    at = found.length;
    tell();
  }

  function tell() {
    told.textContent = field.value ? (found.length ? `${Math.min(at + 1, found.length)} of ${found.length}` : "none") : "";
  }

  // Around the ends; the first step shows the newest.
  function step(by) {
    if (!found.length || !found[0].isConnected) search();
    if (!found.length) return;
    found[at]?.classList.remove("current");
    at = at === found.length ? found.length - 1 : (at + by + found.length) % found.length;
    found[at].classList.add("current");
    found[at].scrollIntoView({ block: "center" });
    tell();
  }

  field.addEventListener("input", search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    step(1);
  });
  form.querySelector("[data-find-step]").addEventListener("click", () => step(-1));
}
