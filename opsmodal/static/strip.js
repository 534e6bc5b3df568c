// Says how old the page is, why, and what happens next. The sentence is spoken once; the seconds beside it count unspoken.
let failingSince = null;
let triesAt = 0;

const strip = () => document.getElementById("trouble");
const clock = () => document.querySelector("#as-of time");
export const secondsUntil = (at) => Math.round((at - Date.now()) / 1000);

// Shows a trouble: since when, when it is tried again (in ms; 0 where nobody knows or tries), and a way on.
export function complain(sentence, since = 0, again = 0, way = null) {
  if (!strip()) return;
  const mark = document.createElement("span");
  mark.className = "mark error";
  mark.textContent = `▲ ${clock() ? `As of ${clock().textContent}.` : "Not up to date."}`;
  const line = strip().querySelector("p");
  const link = document.createElement("a");
  if (way) [link.href, link.textContent] = [way.url, way.text];
  const parts = [mark.textContent, sentence, link.textContent];
  if (line.textContent !== parts.join(" ")) line.replaceChildren(mark, ` ${sentence} `, link);
  strip().hidden = false;
  count(since, again);
}

// Takes it away again.
export function calm() {
  if (!strip() || strip().hidden) return;
  strip().hidden = true;
  strip().querySelector("p").replaceChildren();
  count(0, 0);
}

// Counts on, from here or from what the server has written.
export function count(since = failingSince, again = triesAt) {
  [failingSince, triesAt] = [since, again];
  const line = document.getElementById("again");
  if (!line || strip()?.hidden) return;
  const known = since || Date.parse(line.dataset.since);
  const waiting = secondsUntil(again);
  const long = known ? `Not reachable since ${Math.max(0, -secondsUntil(known))} s. ` : "";
  const text = again ? `${long}Trying again ${waiting > 0 ? `in ${waiting} s` : "now"}.` : "";
  if (line.textContent !== text) line.textContent = text;
}

// Writes the moment that the page is from; `at` is in UTC, as the server writes it.
export function asOf(at) {
  if (!clock()) return;
  const [day, time] = [at.slice(0, 10), at.slice(11, 19)];
  clock().dateTime = at;
  clock().title = `${day} ${time} UTC`;
  clock().textContent = `${time} UTC`;
}

export function liveness(text, known) {
  const place = document.getElementById("liveness");
  if (!place) return;
  if (place.textContent !== text) place.textContent = text;
  place.classList.toggle("failed", !known);
}
