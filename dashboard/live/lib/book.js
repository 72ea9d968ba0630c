// The newest record of one book and the trust in it, for every panel that shows it.
import { partsOf } from "./symbols.js";
import { agedTrust } from "./trust.js";

// Follow a book. `onChange(record, trust)` is called after each record and state; `trust()` also knows the age. `unit`:
// that of its sizes, empty until it is known.
export function followBook(context, key, onChange = () => {}) {
  let record = null;
  let known = null; // {trusted, state, reason, since}
  let unit = "";
  const end = context.live.subscribe("record", key, (event, payload) => {
    if (event === "status") accept(payload);
    else if (event === "book_record") take(payload);
  });

  context.unitOf(key).then((found) => {
    unit = found;
    onChange(record, trust());
  });
  function accept({ trusted, state, reason, since }) {
    if (known && since !== null && known.since !== null && since < known.since) return;
    known = { trusted, state, reason, since };
    onChange(record, trust());
  }
  function take(payload) {
    if (record && payload.event_time < record.event_time && payload.update_id < record.update_id) return;
    record = payload;
    accept(payload.trusted || payload.state !== "synced" ? payload : { ...payload, trusted: true });
    onChange(record, trust());
  }
  function trust() {
    if (!known) return { trusted: false, state: null, reason: "no data yet", since: null };
    return record ? agedTrust(known, record.event_time, context) : known;
  }
  return {
    key,
    ...partsOf(key),
    get record() {
      return record;
    },
    get unit() {
      return unit;
    },
    trust,
    age: () => (record ? context.now() - record.event_time : null),
    end,
  };
}
