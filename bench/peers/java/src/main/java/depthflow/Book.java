package depthflow;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** One order book, in sync by the update ids of Binance spot. */
public class Book {
  public TreeMap<Double, Double> bids = new TreeMap<>(Collections.reverseOrder());
  public TreeMap<Double, Double> asks = new TreeMap<>();
  public List<Update> pending = new ArrayList<>();
  public boolean synced;
  public long id;
  public double[] touch;

  /** Replaces the book by a snapshot. */
  void install(JsonNode snapshot) {
    bids.clear();
    asks.clear();
    set(bids, Update.levels(snapshot.get("bids")));
    set(asks, Update.levels(snapshot.get("asks")));
    id = snapshot.get("lastUpdateId").longValue();
    touch = null;
    synced = true;
  }

  /** Updates that arrived before the snapshot. */
  List<Update> takePending() {
    List<Update> taken = pending;
    pending = new ArrayList<>();
    return taken;
  }

  /** Applies an update if it follows, and returns true then; an update that leaves a gap drops the book. */
  boolean apply(Update update) {
    if (synced && update.last <= id) {
      return false;
    }
    synced = synced && update.first <= id + 1;
    if (!synced) {
      pending.add(update);
      return false;
    }
    set(bids, update.bids);
    set(asks, update.asks);
    id = update.last;
    return true;
  }

  Processed measure(String symbol, Update update) {
    Processed record = Processed.measure(symbol, update, bids, asks, touch);
    touch = record.touch();
    return record;
  }

  private static void set(TreeMap<Double, Double> side, double[] levels) {
    for (int at = 0; at < levels.length; at += 2) {
      if (levels[at + 1] == 0) {
        side.remove(levels[at]);
      } else {
        side.put(levels[at], levels[at + 1]);
      }
    }
  }
}
