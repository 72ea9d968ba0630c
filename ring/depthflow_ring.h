/* Reader of the shared memory that `depthflow ring` writes: newest books, trades and ticks of every key.
 *
 * Needs C11. One file, no library. Example: examples/ring_reader.c.
 *
 *   header        64 bytes at 0
 *   key table     one entry of 128 bytes for each slot: `venue:symbol`, UTF-8, filled with zeros
 *   slots         one for each key: its head of 64 bytes, a ring of books, a ring of trades, a ring of ticks
 *
 * An entry of a ring begins with its lock: 2n - 1 while the n-th value of the key is being written, and 2n when it is
 * complete. n counts from 1, and the n-th value lies at (n - 1) % size. The head of the slot counts the complete values.
 * A copy is whole if the lock was twice the count before and after it. The writer never waits for a reader.
 *
 * Times: `*_ns` of CLOCK_MONOTONIC, `*_us` and `*_ms` since 1970, UTC.
 */
#ifndef DEPTHFLOW_RING_H
#define DEPTHFLOW_RING_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DF_MAGIC 0x474e495248545044ull /* DPTHRING */
#define DF_VERSION 1u
#define DF_KEY_BYTES 128
#define DF_HEARTBEAT_NS 3000000000ull /* age from which the writer counts as gone */

enum df_state { DF_UNKNOWN, DF_SYNCED, DF_GAP, DF_STALE, DF_UNTRUSTED };

typedef struct {
  uint64_t magic;
  uint32_t version, slots, levels, books, trades, ticks;
  uint64_t slot_bytes;
  _Atomic uint64_t heartbeat_ns; /* 0: the writer has ended */
  _Atomic uint64_t newest_ns;    /* when the newest record was written */
  _Atomic uint64_t keys;
} df_header;

typedef struct {
  _Atomic uint64_t books, trades, ticks;
  _Atomic uint64_t state_lock; /* odd while the state is being written */
  int64_t state;               /* enum df_state */
  int64_t since_ms;
  uint64_t reserved[2];
} df_slot;

typedef struct {
  double price, size;
} df_level;

typedef struct {
  _Atomic uint64_t lock;
  int64_t event_time_ms, recv_us, update_id, written_ns;
  int32_t bids, asks; /* number of levels */
  uint64_t reserved[2];
  df_level levels[]; /* `levels` of the header for bids, best first; then as many for asks */
} df_book;

typedef struct {
  _Atomic uint64_t lock;
  int64_t event_time_ms, recv_us, written_ns;
  double price, size;
  int64_t side; /* 1: the taker bought, -1: sold */
  uint64_t reserved;
} df_trade;

typedef struct {
  _Atomic uint64_t lock;
  int64_t written_ns, seq, start_ms, end_ms, event_time_ms, updates;
  double mid, microprice, spread_bps, bid_depth, ask_depth; /* undefined: NaN */
  double imbalance, weighted_imbalance, ofi_sum, ofi_1s;
} df_tick;

_Static_assert(sizeof(df_header) == 64, "header");
_Static_assert(sizeof(df_slot) == 64, "slot");
_Static_assert(sizeof(df_book) == 64, "book");
_Static_assert(sizeof(df_trade) == 64, "trade");
_Static_assert(sizeof(df_tick) == 128, "tick");

typedef struct {
  const unsigned char *memory;
  size_t bytes;
} df_ring;

static inline const df_header *df_head(const df_ring *ring) { return (const df_header *)ring->memory; }

/* Map the segment of this path, /dev/shm/NAME.ring. Returns 0, or -1 if there is none or one of another version. */
static inline int df_open(df_ring *ring, const char *path) {
  struct stat status;
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  void *memory = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size >= (off_t)sizeof(df_header))
    memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return -1;
  ring->memory = (const unsigned char *)memory;
  ring->bytes = (size_t)status.st_size;
  const df_header *head = df_head(ring);
  size_t needed = sizeof(df_header) + head->slots * (DF_KEY_BYTES + head->slot_bytes);
  if (head->magic == DF_MAGIC && head->version == DF_VERSION && ring->bytes >= needed) return 0;
  munmap(memory, ring->bytes);
  return -1;
}

static inline void df_close(df_ring *ring) { munmap((void *)ring->memory, ring->bytes); }

/* Returns 1 while the writer is alive. */
static inline int df_alive(const df_ring *ring) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
  uint64_t beat_ns = atomic_load_explicit(&df_head(ring)->heartbeat_ns, memory_order_acquire);
  return beat_ns + DF_HEARTBEAT_NS > now_ns;
}

/* The slot of a key, NULL if there is none. Keep it: a search takes longer than a read. */
static inline const df_slot *df_find(const df_ring *ring, const char *key) {
  const df_header *head = df_head(ring);
  const char *keys = (const char *)ring->memory + sizeof(df_header);
  uint64_t count = atomic_load_explicit(&head->keys, memory_order_acquire);
  for (uint64_t number = 0; number < count; number++)
    if (strncmp(keys + number * DF_KEY_BYTES, key, DF_KEY_BYTES) == 0)
      return (const df_slot *)(keys + (size_t)head->slots * DF_KEY_BYTES + number * head->slot_bytes);
  return NULL;
}

static inline size_t df_book_bytes(const df_ring *ring) {
  return sizeof(df_book) + 2 * (size_t)df_head(ring)->levels * sizeof(df_level);
}

/* Copy an entry whose lock must be `expected`. Returns 1 if the copy is whole. */
static inline int df_copy(void *copy, const void *entry, size_t bytes, uint64_t expected) {
  const _Atomic uint64_t *lock = (const _Atomic uint64_t *)entry;
  if (atomic_load_explicit(lock, memory_order_acquire) != expected) return 0;
  memcpy(copy, entry, bytes);
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(lock, memory_order_relaxed) == expected;
}

/* Copy the newest book of a slot into `book`, which has room for df_book_bytes(). Returns 0 before the first book. */
static inline int df_newest_book(const df_ring *ring, const df_slot *slot, df_book *book) {
  const unsigned char *books = (const unsigned char *)slot + sizeof(df_slot);
  size_t bytes = df_book_bytes(ring);
  for (;;) {
    uint64_t count = atomic_load_explicit(&slot->books, memory_order_acquire);
    if (count == 0) return 0;
    if (df_copy(book, books + (count - 1) % df_head(ring)->books * bytes, bytes, 2 * count)) return 1;
  }
}

static inline const df_level *df_bids(const df_book *book) { return book->levels; }

static inline const df_level *df_asks(const df_ring *ring, const df_book *book) {
  return book->levels + df_head(ring)->levels;
}

/* Copy the trade that is `age` trades older than the newest one. Returns 0 if there is none, or none any more. */
static inline int df_trade_at(const df_ring *ring, const df_slot *slot, uint64_t age, df_trade *trade) {
  const df_header *head = df_head(ring);
  const unsigned char *trades = (const unsigned char *)slot + sizeof(df_slot) + head->books * df_book_bytes(ring);
  uint64_t count = atomic_load_explicit(&slot->trades, memory_order_acquire);
  if (age >= count || age >= head->trades) return 0;
  uint64_t place = (count - 1 - age) % head->trades;
  return df_copy(trade, trades + place * sizeof(df_trade), sizeof(df_trade), 2 * (count - age));
}

/* Copy the tick that is `age` ticks older than the newest one. Returns 0 if there is none, or none any more. */
static inline int df_tick_at(const df_ring *ring, const df_slot *slot, uint64_t age, df_tick *tick) {
  const df_header *head = df_head(ring);
  const unsigned char *ticks = (const unsigned char *)slot + sizeof(df_slot) + head->books * df_book_bytes(ring) +
                               head->trades * sizeof(df_trade);
  uint64_t count = atomic_load_explicit(&slot->ticks, memory_order_acquire);
  if (age >= count || age >= head->ticks) return 0;
  uint64_t place = (count - 1 - age) % head->ticks;
  return df_copy(tick, ticks + place * sizeof(df_tick), sizeof(df_tick), 2 * (count - age));
}

/* State of the book, and its begin in `since_ms`. */
static inline enum df_state df_state_of(const df_slot *slot, int64_t *since_ms) {
  for (;;) {
    uint64_t before = atomic_load_explicit(&slot->state_lock, memory_order_acquire);
    int64_t state = slot->state, since = slot->since_ms;
    atomic_thread_fence(memory_order_acquire);
    if (before % 2 == 0 && atomic_load_explicit(&slot->state_lock, memory_order_relaxed) == before) {
      *since_ms = since;
      return (enum df_state)state;
    }
  }
}

#endif
