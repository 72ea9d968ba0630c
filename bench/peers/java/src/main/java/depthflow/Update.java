package depthflow;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** One depth update: ids, times, and price and size in turn for each side. */
public class Update {
  public long first;
  public long last;
  public long eventTime;
  public long received;
  public double[] bids;
  public double[] asks;

  static Update of(JsonNode data, long received) {
    Update update = new Update();
    update.first = data.get("U").longValue();
    update.last = data.get("u").longValue();
    update.eventTime = data.get("E").longValue();
    update.received = received;
    update.bids = levels(data.get("b"));
    update.asks = levels(data.get("a"));
    return update;
  }

  static double[] levels(JsonNode rows) {
    double[] levels = new double[2 * rows.size()];
    for (int row = 0; row < rows.size(); row++) {
      levels[2 * row] = Double.parseDouble(rows.get(row).get(0).textValue());
      levels[2 * row + 1] = Double.parseDouble(rows.get(row).get(1).textValue());
    }
    return levels;
  }
}
