// The lines on screen: appended as text, bounded in number, followed at the bottom until somebody scrolls up.
const LINES_MAX = 5000;
const BOTTOM_PX = 24;
const COLOURS = /^[a-z][a-z-]*$/;

export class LogLines {
  constructor(section) {
    this.surface = section.querySelector("[data-log]");
    this.list = section.querySelector("[data-lines]");
    this.button = section.querySelector("[data-new-lines]");
    this.unseen = 0;
    this.sources = false;
    this.surface.addEventListener("scroll", () => { if (this.atBottom()) this.seen(); }, { passive: true });
    this.button.addEventListener("click", () => this.toBottom());
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
    const line = document.createElement("div");
    line.className = "line said";
    line.textContent = sentence;
    this.add([line], 0);
  }

  add(elements, count) {
    const follow = this.atBottom();
    this.list.append(...elements);
    const over = this.list.childElementCount - LINES_MAX;
    const before = this.surface.scrollHeight;
    for (let left = over; left > 0; left -= 1) this.list.firstElementChild.remove();
    if (follow) return this.toBottom();
    if (over > 0) this.surface.scrollTop -= before - this.surface.scrollHeight;
    this.unseen += count;
    this.button.hidden = !this.unseen;
    this.button.textContent = `${this.unseen} new ${this.unseen === 1 ? "line" : "lines"} ↓`;
  }

  element({ at, instance, container, stream, spans }) {
    const line = document.createElement("div");
    line.className = stream === "stderr" ? "line stderr" : "line";
    if (at) line.append(piece("time", "at", clock(at)));
    if (this.sources) line.append(piece("span", "source", `${instance}/${container}`));
    const text = piece("span", "text", "");
    for (const [words, classes] of spans) text.append(classes ? piece("span", classes, words) : words);
    line.append(text);
    return line;
  }
}

function clock(at) {
  const [, seconds, fraction = ""] = /T([\d:]{8})(?:\.(\d+))?/.exec(at);
  return `${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}`;
}

function piece(name, classes, words) {
  const element = document.createElement(name);
  element.className = classes.split(" ").filter((each) => COLOURS.test(each)).join(" ");
  element.textContent = words;
  return element;
}
