// Lets ages count on the page itself: they need no word from the server. Written as the server writes them.
const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
// The clock of this machine may be wrong; that of the server is the one that the ages are from.
const ahead = Date.now() - (Date.parse(document.body.dataset.now) || Date.now());

function age(seconds) {
  if (seconds < 2 * MINUTE) return `${seconds} s`;
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)} m`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  const [days, hours] = [Math.floor(seconds / DAY), Math.floor((seconds % DAY) / HOUR)];
  return days < 8 && hours ? `${days} d ${hours} h` : `${days} d`;
}

export function countAges() {
  if (document.hidden) return;
  const now = Date.now() - ahead;
  for (const shown of document.querySelectorAll("time[datetime] > [aria-hidden]")) {
    const text = age(Math.max(0, Math.floor((now - Date.parse(shown.parentElement.dateTime)) / 1000)));
    if (shown.textContent !== text) shown.textContent = text;
  }
}

export function startCounting() {
  setInterval(countAges, 1000);
}
