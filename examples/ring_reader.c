/* Read the newest book of a key from shared memory, and measure the time of a read.
 *
 *     cc -O2 -std=c11 -I ring examples/ring_reader.c -o ring_reader
 *     ./ring_reader /dev/shm/depthflow.ring binance:BTCUSDT            # once
 *     ./ring_reader /dev/shm/depthflow.ring binance:BTCUSDT 1000000    # a million times
 *
 * Needs: the running `depthflow ring`. Exit status: 0, 1 without ring, key, book or writer, 2 for wrong arguments.
 */
#define _POSIX_C_SOURCE 200809L
#include "depthflow_ring.h"

#include <stdio.h>
#include <stdlib.h>

static const char *STATES[] = {"unknown", "synced", "gap", "stale", "untrusted"};

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: ring_reader PATH KEY [READS]\n");
    return 2;
  }
  df_ring ring;
  if (df_open(&ring, arguments[1]) != 0) {
    fprintf(stderr, "no ring of version %u at %s: start `depthflow ring`\n", DF_VERSION, arguments[1]);
    return 1;
  }
  const df_slot *slot = df_find(&ring, arguments[2]);
  df_book *book = malloc(df_book_bytes(&ring));
  if (slot == NULL || book == NULL || !df_alive(&ring) || !df_newest_book(&ring, slot, book)) {
    fprintf(stderr, "%s: no key, no book or no writer\n", arguments[2]);
    return 1;
  }
  long reads = count > 3 ? atol(arguments[3]) : 1;
  double began = now_ns();
  for (long number = 0; number < reads; number++) df_newest_book(&ring, slot, book);
  double each_ns = (now_ns() - began) / (double)reads;
  int64_t since_ms;
  const char *state = STATES[df_state_of(slot, &since_ms)];
  printf("update %lld, %s, ", (long long)book->update_id, state);
  if (book->bids > 0) printf("best bid %.10g x %.10g, ", df_bids(book)->price, df_bids(book)->size);
  if (book->asks > 0) printf("best ask %.10g x %.10g, ", df_asks(&ring, book)->price, df_asks(&ring, book)->size);
  printf("%.0f ns a read\n", each_ns);
  free(book);
  df_close(&ring);
  return 0;
}
