// Follows a log over a socket. A drop re-attaches to the job on the server where it stopped, so nothing is lost or
// repeated; when the job is gone, a new one starts at the last line, and says so.
const RETRY_MS = 1000;
const RETRY_MAX_MS = 20000;

export class Follow {
  // `on` has lines(lines), say(sentence), state(text) and ended().
  constructor(address, parameters, on) {
    Object.assign(this, { address, parameters, on, job: "", offset: 0, ties: [], failures: 0 });
    this.open();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  open() {
    const asked = new URLSearchParams(this.job ? { job: this.job, offset: this.offset } : this.parameters);
    if (!this.job && this.last) {
      asked.set("since", this.last);
      asked.delete("tail");
    }
    asked.set("spans", "1");
    const url = new URL(this.address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = asked;
    this.on.state("Connecting …");
    this.over = this.attached = false;
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => this.frame(JSON.parse(data));
    this.socket.onclose = () => { if (!this.stopped && !this.over) this.again("The connection dropped"); };
  }

  again(why) {
    const wait = Math.min(RETRY_MS * 2 ** this.failures++, RETRY_MAX_MS) * (0.8 + Math.random() * 0.4);
    this.on.state(`▲ ${why}, trying again in ${Math.ceil(wait / 1000)} s`);
    this.timer = setTimeout(() => this.open(), wait);
  }

  frame(frame) {
    if (frame.reason) return this.end(frame);
    this.job = frame.job;
    this.offset = frame.offset;
    this.attached = true;
    if (frame.lines.length) this.failures = 0;
    this.on.state("● Following");
    if (frame.lost) this.on.say("Some lines came faster than they could be shown, and are left out here.");
    const fresh = frame.lines.filter((line) => !this.known(line));
    for (const line of fresh) this.remember(line);
    this.on.lines(fresh);
  }

  end({ reason, sentence }) {
    this.over = true;
    // Refused on coming back: the job is gone. Refused in the middle: the right has ended.
    const lost = this.job && (reason === "refused" ? !this.attached : reason !== "ended");
    this.job = "";
    if (!lost) {
      this.on.say(sentence);
      return this.on.ended();
    }
    this.repeated = new Set(this.ties);
    if (reason !== "refused") return this.again((sentence || "The server stopped").replace(/\.$/, ""));
    this.on.say("This follow had ended on the server. It goes on from the last line above.");
    this.open();
  }

  // A new follow begins at the stamp of the last line: lines of that stamp are there already.
  known(line) {
    return this.repeated?.delete(keyOf(line));
  }

  remember(line) {
    if (!line.at) return;
    this.ties = line.at === this.last ? [...this.ties, keyOf(line)] : [keyOf(line)];
    this.last = line.at;
  }
}

function keyOf({ at, instance, container, spans }) {
  return [at, instance, container, ...spans.map(([text]) => text)].join("\n");
}
