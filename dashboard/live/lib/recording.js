// Events of a replay as the gateway sends them. Each is parsed only when it is played, since an hour has many.

const HEAD = /^\{"time":(\d+),"event":"(\w+)","payload":/;

// Read `/api/replay/…`. `onProgress(recording)`: more has arrived. Throws an Error with the gateway's reason.
export async function readRecording(context, key, { from, to, every = 100 }, onProgress, signal) {
  const [venue, ...symbol] = key.split(":");
  const path = `/api/replay/${venue}/${encodeURIComponent(symbol.join(":"))}?from=${from}&to=${to}&every_ms=${every}`;
  const answer = await context.api.open(path, { signal });
  const recording = { header: null, end: null, events: [], alerts: [], bytes: 0, readMs: null };
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    recording.bytes += value.length;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    lines.forEach((line) => take(recording, line));
    onProgress(recording);
  }
  recording.alerts.sort((one, other) => one.time - other.time);
  if (!recording.end) throw new Error("the replay ended early: the connection was lost");
  if (!recording.header) throw new Error(recording.end.reason ?? "the span has no data");
  return recording;
}

function take(recording, line) {
  const head = HEAD.exec(line);
  if (!head) return;
  const [start, time, event] = head;
  const entry = { time: Number(time), event, text: line.slice(start.length, -1) };
  if (event === "header") recording.header = JSON.parse(entry.text);
  else if (event === "end") recording.end = JSON.parse(entry.text);
  else if (event === "progress") recording.readMs = entry.time;
  else if (event === "alert") recording.alerts.push(entry);
  else recording.events.push(entry);
}

// Place of the first event after a time.
export function placeAfter(events, time) {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
