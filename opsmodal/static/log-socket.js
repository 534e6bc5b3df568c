// Follows a log over a socket. A drop re-attaches to the job on the server where it stopped, so nothing is lost or
// repeated; when the job is gone, a new one starts at the time of the last line, and says so.
const RETRY_MS = 1000;
const RETRY_MAX_MS = 20000;

export class Follow {
  // `on` has lines(lines), say(sentence), state(text) and ended().
  constructor(address, parameters, on) {
    Object.assign(this, { address, parameters, on, job: "", offset: 0, last: null, ties: [], failures: 0, stopped: false });
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
    this.on.state(this.failures ? "Connecting again …" : "Connecting …");
    this.over = false;
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
    this.failures = 0;
    this.on.state("● Following");
    if (frame.lost) this.on.say("Some lines came faster than they could be shown, and are left out here.");
    const fresh = frame.lines.filter((line) => !this.known(line));
    for (const line of fresh) this.remember(line);
    this.on.lines(fresh);
  }

  end({ reason, sentence }) {
    this.over = true;
    const wasJob = this.job;
    this.job = "";
    if (wasJob && reason === "refused" && this.last) {
      this.repeated = new Set(this.ties);
      this.on.say("This follow had ended on the server. It goes on from the last line above.");
      return this.open();
    }
    if (wasJob && reason === "error") {
      this.repeated = new Set(this.ties);
      return this.again(sentence.replace(/\.$/, ""));
    }
    this.on.say(sentence);
    this.stopped = true;
    this.on.ended();
  }

  // A new follow begins at the stamp of the last line: the lines of that very stamp were there already.
  known(line) {
    return this.repeated?.delete(keyOf(line)) ?? false;
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
