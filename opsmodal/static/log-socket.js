// Follows a log over a socket. A drop re-attaches to the job on the server where it stopped; when that is gone, because
// the server was restarted, a new one goes on from the marks that came with the lines. Nothing is lost or repeated.
const RETRY_MS = 1000;
const RETRY_MAX_MS = 20000;
const GOING_AWAY = 1001;
const MARKS_MAX = 400;

export class Follow {
  // `on` has lines(lines), say(sentence), state(text) and ended(frame).
  constructor(address, parameters, on) {
    Object.assign(this, { address, parameters, on, job: "", offset: 0, marks: new Map(), failures: 0 });
    this.open();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  open() {
    const asked = new URLSearchParams(this.parameters);
    if (this.job) asked.set("job", this.job);
    if (this.job) asked.set("offset", this.offset);
    if (this.began) asked.set("resume", "1");
    asked.set("marks", "1");
    asked.set("spans", "1");
    const url = new URL(this.address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = asked;
    this.on.state("Connecting …");
    this.over = false;
    this.socket = new WebSocket(url);
    this.socket.onopen = () => { if (this.began) this.socket.send(this.left()); };
    this.socket.onmessage = ({ data }) => this.frame(JSON.parse(data));
    this.socket.onclose = ({ code }) => { if (!this.stopped && !this.over) this.closed(code); };
  }

  closed(code) {
    if (code === GOING_AWAY) this.again("The server restarts", RETRY_MS / 2);
    else this.again("The connection dropped");
  }

  again(why, first = RETRY_MS) {
    const wait = Math.min(first * 2 ** this.failures++, RETRY_MAX_MS) * (0.5 + Math.random());
    this.on.state(`▲ ${why}, trying again in ${Math.ceil(wait / 1000)} s`);
    this.timer = setTimeout(() => this.open(), wait);
  }

  left() {
    return JSON.stringify({ began_at: this.began, marks: Object.fromEntries(this.marks) });
  }

  frame(frame) {
    if (frame.reason) return this.end(frame);
    this.job = frame.job;
    this.offset = frame.offset;
    this.began ??= frame.began_at;
    this.mark(frame.marks || {});
    if (frame.lines.length) this.failures = 0;
    this.on.state("● Following");
    if (frame.lost) this.on.say("Some lines came faster than they could be shown, and are left out here.");
    this.on.lines(frame.lines);
  }

  // The logs that spoke last stay; a mark of a pod that has long gone is worth nothing.
  mark(marks) {
    for (const [source, place] of Object.entries(marks)) {
      this.marks.delete(source);
      this.marks.set(source, place);
    }
    for (const source of [...this.marks.keys()].slice(0, Math.max(0, this.marks.size - MARKS_MAX))) {
      this.marks.delete(source);
    }
  }

  // Refused: the right has ended. Ended: there is nothing more to follow. Anything else may be better in a moment.
  end(frame) {
    const { reason, sentence } = frame;
    this.over = true;
    this.job = "";
    if (reason !== "refused" && reason !== "ended") return this.again((sentence || "The server stopped").replace(/\.$/, ""));
    this.on.say(sentence);
    return this.on.ended(frame);
  }
}
