/*
 * The span arithmetic: which tokens a query sees and where their rows lie. Eviction, storing and
 * every attention kernel, on every device, go through these functions; nothing else computes a
 * window or a ring slot.
 */
#ifndef SINKSTREAM_CORE_SPANS_H
#define SINKSTREAM_CORE_SPANS_H

#include <stdint.h>

#include "core/host_device.h"

/* The window R of a dense cache: no subtraction from a position below 2^62 reaches it. */
#define SKS_ENDLESS INT64_MAX

typedef struct sks_ring {
  int64_t sinks;  /* S: tokens 0..S-1 lie in slots 0..S-1 for ever */
  int64_t window; /* R, or SKS_ENDLESS */
  /* W >= R + 1: token i >= S lies in slot S + (i - S) mod W; SKS_ENDLESS: no wrap. */
  int64_t slots;
  /* >= S: window tokens before this position were evicted, whatever their rows hold. */
  int64_t oldest;
} sks_ring;

/* What one query sees: the sink tokens 0..sinks-1 and the window [first, position]. */
typedef struct sks_view {
  int64_t position; /* t, in the stream */
  int64_t query;    /* p(t), in the cache */
  int64_t sinks;    /* min(S, t + 1) */
  /* max(S, t - R, oldest); above `position` while the token is a sink token itself. */
  int64_t first;
} sks_view;

/* Rows that lie one behind the other, and the stream position of the first of them. */
typedef struct sks_span {
  int64_t slot;
  int64_t position;
  int64_t count;
} sks_span;

enum { SKS_SPANS = 3 };

static inline SKS_HOST_DEVICE sks_view sks_view_of(const sks_ring *ring, int64_t t) {
  sks_view view = {.position = t, .query = t, .sinks = t + 1, .first = ring->oldest};
  if (view.first < t - ring->window) view.first = t - ring->window;
  if (t >= ring->sinks) {
    view.sinks = ring->sinks;
    view.query = ring->sinks + (t - view.first);
  }
  return view;
}

static inline SKS_HOST_DEVICE int64_t sks_slot_of(const sks_ring *ring, int64_t position) {
  if (position < ring->sinks) return position;
  return ring->sinks + (position - ring->sinks) % ring->slots;
}

/*
 * The rows of the sink tokens 0..sinks-1 and of the `window` window tokens from `first` on:
 * spans[0] the sink tokens, then the window in one or two runs. Unused spans have count 0. At most
 * `slots` window tokens have rows.
 */
static inline SKS_HOST_DEVICE void sks_spans_of(const sks_ring *ring, int64_t sinks, int64_t first,
                                                int64_t window, sks_span spans[SKS_SPANS]) {
  int64_t slot = sks_slot_of(ring, first);
  int64_t head = ring->slots - (slot - ring->sinks);
  if (head > window) head = window;
  sks_span sink_tokens = {.slot = 0, .position = 0, .count = sinks};
  sks_span run = {.slot = slot, .position = first, .count = head};
  sks_span rest = {.slot = ring->sinks, .position = first + head, .count = window - head};
  spans[0] = sink_tokens;
  spans[1] = run;
  spans[2] = rest;
}

/*
 * The rows that the queries of consecutive tokens see between them, `first` and `last` being the
 * views of the first and the last of these tokens (the same one for a single token). Returns how
 * many rows. Not for more tokens than max_rows.
 */
static inline SKS_HOST_DEVICE int64_t sks_spans_between(const sks_ring *ring, sks_view first,
                                                        sks_view last, sks_span spans[SKS_SPANS]) {
  int64_t window = last.position < ring->sinks ? 0 : last.position - first.first + 1;
  sks_spans_of(ring, last.sinks, first.first, window, spans);
  return last.sinks + window;
}

/*
 * The first window token whose row is still there: rows of tokens up to `stored_end` - 1 have been
 * stored, each over the one that lay `slots` before it.
 */
static inline SKS_HOST_DEVICE int64_t sks_first_kept(const sks_ring *ring, int64_t stored_end) {
  int64_t kept = stored_end - ring->slots;
  return kept > ring->oldest ? kept : ring->oldest;
}

#endif
