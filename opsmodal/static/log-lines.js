// The lines on screen: appended as text, bounded in number, followed at the bottom until somebody scrolls up.
const LINES_MAX = 5000;
const BOTTOM_PX = 24;
const KINDS = { stderr: "line stderr", notice: "line said" };

export class LogLines {
  constructor(section) {
    const part = (name) => section.querySelector(`[data-${name}]`);
    Object.assign(this, { surface: part("log"), list: part("lines"), button: part("new-lines"), sources: false });
    this.surface.addEventListener("scroll", () => this.atBottom() && this.seen(), { passive: true });
    this.button.addEventListener("click", () => this.toBottom());
    this.toBottom();
  }

  atBottom() {
    return this.surface.scrollHeight - this.surface.scrollTop - this.surface.clientHeight < BOTTOM_PX;
  }

  seen() {
    this.unseen = 0;
    this.button.hidden = true;
  }

  toBottom() {
    this.surface.scrollTop = this.surface.scrollHeight;
    this.seen();
  }

  clear() {
    this.list.replaceChildren();
    this.surface.querySelector("[data-log-empty]")?.remove();
    this.seen();
  }

  append(lines) {
    if (lines.length) this.add(lines.map((line) => this.element(line)), lines.length);
  }

  // A remark of ours between the lines, told apart from what programs write.
  remark(sentence) {
    this.add([piece("div", "line said", sentence)], 0);
  }

  add(elements, count) {
    const follow = this.atBottom();
    this.list.append(...elements);
    const before = this.surface.scrollHeight;
    for (let over = this.list.childElementCount - LINES_MAX; over > 0; over -= 1) this.list.firstChild.remove();
    if (follow) return this.toBottom();
    this.surface.scrollTop -= before - this.surface.scrollHeight;
    this.unseen += count;
    this.button.hidden = !this.unseen;
    this.button.textContent = `${this.unseen} new ${this.unseen === 1 ? "line" : "lines"} ↓`;
  }

  element({ at, instance, container, stream, spans }) {
    const line = piece("div", KINDS[stream] || "line");
    if (at) line.append(piece("time", "at", clock(at)));
    if (this.sources) line.append(piece("span", "source", `${instance}/${container}`));
    const text = piece("span", "text");
    text.append(...spans.map(([words, classes]) => (classes ? piece("span", classes, words) : words)));
    line.append(text);
    return line;
  }
}

export function piece(name, classes, words = "") {
  const element = document.createElement(name);
  element.className = classes;
  element.textContent = words;
  return element;
}

function clock(at) {
  const [, seconds, fraction = ""] = /T([\d:]{8})(?:\.(\d+))?/.exec(at);
  return `${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}`;
}
