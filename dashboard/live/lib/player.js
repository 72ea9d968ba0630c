// Plays a recording: a clock with a speed, and a `context` that shows the recording to the panels of Symbol as if live.
import { placeAfter } from "./recording.js";
import { createRooms } from "./rooms.js";

export const SPEEDS = [1, 2, 5, 10, 30, 60];
const TICK_MS = 50;
const WARM_MS = 300_000; // events before the begin that fill the panels
const MAX_WARM = 6000;

// `onTime(time)`: after each step. `onReset()`: the panels must be mounted anew, since time went back or jumped.
export function createPlayer(context, recording, { onTime, onReset }) {
  const { from, to } = recording.header;
  let time = from;
  let speed = 1;
  let playing = false;
  let places = { events: 0, alerts: 0 };
  let rooms = createRooms(() => {});
  let last = 0;
  const timer = setInterval(tick, TICK_MS);

  function tick() {
    const now = performance.now();
    const step = Math.min(now - last, 500) * speed;
    last = now;
    if (!playing) return;
    advance(Math.min(to, time + step));
    if (time >= to) setPlaying(false);
    onTime(time);
  }
  // Deliver everything up to a time, in the order of time.
  function advance(until) {
    const { events, alerts } = recording;
    for (;;) {
      const [event, alert] = [events[places.events], alerts[places.alerts]];
      const next = alert && (!event || alert.time < event.time) ? alert : event;
      if (!next || next.time > until) break;
      places[next === alert ? "alerts" : "events"] += 1;
      time = Math.max(time, next.time);
      rooms.dispatch(next.event, JSON.parse(next.text));
    }
    time = until;
  }
  function setPlaying(value) {
    playing = value;
    last = performance.now();
  }
  // Go to a time: panels begin anew, filled with the events of the minutes before it.
  function seek(wanted) {
    const goal = Math.min(to, Math.max(from, wanted));
    const { events, alerts } = recording;
    const before = placeAfter(events, goal);
    rooms = createRooms(() => {});
    time = Math.max(from, goal - WARM_MS);
    places = { events: Math.max(0, before - MAX_WARM, placeAfter(events, time - 1)), alerts: placeAfter(alerts, time - 1) };
    onReset();
    // The newest state and book before the first event that is played.
    for (const name of ["status", "book_record"]) {
      for (let place = places.events - 1; place >= 0; place -= 1) {
        if (events[place].event !== name) continue;
        rooms.dispatch(name, JSON.parse(events[place].text));
        break;
      }
    }
    advance(goal);
    onTime(time);
  }
  // Answers of history end at the time that is played.
  function get(path) {
    const cut = /\/history\?|\/api\/trades\//.test(path) && !/[?&]to=/.test(path);
    return context.api.get(cut ? `${path}&to=${Math.ceil(time)}` : path);
  }
  const live = {
    subscribe: (type, symbol, handler) => rooms.subscribe(type, symbol ?? "", handler),
    stateOf: (key) => rooms.stateOf(key),
    onStatus: () => () => {},
    get status() {
      return { connected: true, since: null, feed: "synced", feedReason: "" };
    },
  };
  return {
    context: { ...context, api: { ...context.api, get }, live, now: () => time },
    seek,
    toggle: () => setPlaying(!playing && time < to),
    pause: () => setPlaying(false),
    get playing() {
      return playing;
    },
    get time() {
      return time;
    },
    get speed() {
      return speed;
    },
    set speed(value) {
      speed = value;
    },
    end: () => clearInterval(timer),
  };
}
