package depthflow;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.annotation.JsonIgnore;

/** The record of one update, with the fields of topic orderbook.processed. */
public class Processed {
  static final int DEPTH = 10;
  static final int PRICE_DIGITS = 15;

  public String venue = "binance";
  public String symbol;
  public long event_time;
  public long recv_us;
  public long update_id;
  public Double best_bid;
  public Double best_bid_size;
  public Double best_ask;
  public Double best_ask_size;
  public Double mid;
  public Double microprice;
  public Double spread;
  public Double spread_bps;
  public double bid_depth;
  public double ask_depth;
  public Double imbalance;
  public Double weighted_imbalance;
  public Double vtob;
  public Double ofi;
  public int levels_bid;
  public int levels_ask;
  public int depth = DEPTH;
  public List<String> flags = List.of();

  static Processed measure(
      String symbol, Update update, SortedMap<Double, Double> bids, SortedMap<Double, Double> asks, double[] before) {
    Processed record = new Processed();
    record.symbol = symbol;
    record.event_time = update.eventTime;
    record.recv_us = update.received;
    record.update_id = update.last;
    double[] bid = sums(bids);
    double[] ask = sums(asks);
    record.bid_depth = bid[2];
    record.ask_depth = ask[2];
    record.levels_bid = (int) bid[4];
    record.levels_ask = (int) ask[4];
    record.imbalance = imbalance(bid[2], ask[2]);
    record.weighted_imbalance = imbalance(bid[3], ask[3]);
    record.vtob = bid[2] + ask[2] == 0 ? null : (bid[1] + ask[1]) / (bid[2] + ask[2]);
    if (bids.isEmpty() || asks.isEmpty()) {
      record.flags = List.of(bids.isEmpty() && asks.isEmpty() ? "empty" : "one_sided");
      return record;
    }
    record.best_bid = bid[0];
    record.best_bid_size = bid[1];
    record.best_ask = ask[0];
    record.best_ask_size = ask[1];
    record.mid = (bid[0] + ask[0]) / 2;
    record.spread = spread(bid[0], ask[0]);
    record.spread_bps = 1e4 * record.spread / record.mid;
    double micro = bid[0] + (ask[0] - bid[0]) * (bid[1] / (bid[1] + ask[1]));
    record.microprice = Math.min(micro, ask[0]);
    if (before == null) {
      record.flags = List.of("ofi_seed");
    } else {
      record.ofi = orderFlow(before, record.touch());
    }
    return record;
  }

  @JsonIgnore
  double[] touch() {
    return mid == null ? null : new double[] {best_bid, best_bid_size, best_ask, best_ask_size};
  }

  /** Best price and size, sum of sizes, sum of sizes by rank, and number of levels. */
  private static double[] sums(SortedMap<Double, Double> side) {
    double[] sums = new double[5];
    for (Map.Entry<Double, Double> level : side.entrySet()) {
      if (sums[4] == 0) {
        sums[0] = level.getKey();
        sums[1] = level.getValue();
      }
      sums[2] += level.getValue();
      sums[3] += level.getValue() / ++sums[4];
      if (sums[4] == DEPTH) {
        break;
      }
    }
    return sums;
  }

  private static Double imbalance(double bids, double asks) {
    return bids + asks == 0 ? null : (bids - asks) / (bids + asks);
  }

  private static double spread(double bid, double ask) {
    int digits = PRICE_DIGITS - 1 - (int) Math.floor(Math.log10(ask));
    return new BigDecimal(ask - bid).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
  }

  private static double orderFlow(double[] before, double[] now) {
    double flow = 0;
    flow += now[0] >= before[0] ? now[1] : 0;
    flow -= now[0] <= before[0] ? before[1] : 0;
    flow -= now[2] <= before[2] ? now[3] : 0;
    flow += now[2] >= before[2] ? before[3] : 0;
    return flow;
  }
}
