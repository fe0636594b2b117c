/*
 * The span arithmetic against a ring that is filled token by token: every small S, R, max_rows and
 * t, at the start of a stream and far along it. What a token sees comes from sets written down from
 * the contract, not from formulas.
 */
#include <stdbool.h>

#include "core/spans.h"
#include "support/check.h"

enum { TOKENS = 64 };

/* A ring as it is: which token's row lies in each slot. */
typedef struct model {
  sks_ring ring;
  int64_t holds[TOKENS];
} model;

static model model_of(int64_t sinks, int64_t window, int64_t max_rows) {
  model m = {.ring = {sinks, window, window + max_rows, sinks}};
  for (int i = 0; i < TOKENS; i++) m.holds[i] = -1;
  return m;
}

static void store(model *m, int64_t token) { m->holds[sks_slot_of(&m->ring, token)] = token; }

/* Whether the query of token t sees token i, after the contract. */
static bool sees(const sks_ring *ring, int64_t t, int64_t i) {
  if (i > t) return false;
  if (i < ring->sinks) return true;
  return i >= t - ring->window && i >= ring->oldest;
}

/* The spans of the queries of tokens first..last hold exactly what these see, each once, in order,
 * in the right slots. */
static void check_spans(const model *m, int64_t first, int64_t last, int64_t from) {
  const sks_ring *ring = &m->ring;
  sks_span spans[SKS_SPANS];
  int64_t keys = sks_spans_between(ring, sks_view_of(ring, first), sks_view_of(ring, last), spans);
  int64_t found = 0, previous = -1;
  for (int i = 0; i < SKS_SPANS; i++) {
    REQUIRE(spans[i].count >= 0, "%lld", (long long)spans[i].count);
    for (int64_t k = 0; k < spans[i].count; k++, found++) {
      int64_t token = spans[i].position + k;
      REQUIRE(token > previous, "token %lld after %lld", (long long)token, (long long)previous);
      previous = token;
      REQUIRE(
          sees(ring, first, token) || sees(ring, last, token) || (token > first && token <= last),
          "S %lld R %lld: %lld..%lld do not see %lld", (long long)ring->sinks,
          (long long)ring->window, (long long)first, (long long)last, (long long)token);
      REQUIRE(spans[i].slot + k < ring->sinks + ring->slots, "slot %lld",
              (long long)(spans[i].slot + k));
      REQUIRE(m->holds[spans[i].slot + k] == token,
              "S %lld R %lld W %lld: slot %lld holds %lld; expected %lld", (long long)ring->sinks,
              (long long)ring->window, (long long)ring->slots, (long long)(spans[i].slot + k),
              (long long)m->holds[spans[i].slot + k], (long long)token);
    }
  }
  int64_t expected = 0;
  for (int64_t i = 0; i < ring->sinks; i++) expected += sees(ring, last, i);
  for (int64_t i = from > ring->sinks ? from : ring->sinks; i <= last; i++)
    expected += sees(ring, first, i) || sees(ring, last, i) || i > first;
  REQUIRE(found == keys && keys == expected, "%lld, %lld; expected %lld", (long long)found,
          (long long)keys, (long long)expected);
}

/* p(t) is the number of tokens seen besides itself. */
static void check_view(const sks_ring *ring, int64_t t, int64_t from) {
  int64_t seen = 0, sinks = 0;
  for (int64_t i = 0; i < ring->sinks; i++) sinks += sees(ring, t, i);
  for (int64_t i = from > ring->sinks ? from : ring->sinks; i <= t; i++) seen += sees(ring, t, i);
  sks_view view = sks_view_of(ring, t);
  REQUIRE(view.position == t && view.sinks == sinks && view.query == sinks + seen - 1,
          "token %lld: %lld, %lld, %lld", (long long)t, (long long)view.sinks,
          (long long)view.query, (long long)(sinks + seen - 1));
  if (ring->oldest == ring->sinks) {
    int64_t full = ring->sinks + ring->window;
    REQUIRE(view.query == (t < full ? t : full), "token %lld at %lld", (long long)t,
            (long long)view.query);
  }
}

/* Steps of `rows` tokens from token `from` on, far enough to pass every state. */
static void check_stream(int64_t sinks, int64_t window, int64_t max_rows, int64_t rows,
                         int64_t from) {
  model m = model_of(sinks, window, max_rows);
  for (int64_t i = 0; i < sinks && i < from; i++) store(&m, i);
  if (from > sinks) m.ring.oldest = from;
  for (int64_t t = from; t < from + 3 * (sinks + window + max_rows); t += rows) {
    for (int64_t i = t; i < t + rows; i++) store(&m, i);
    for (int64_t i = t; i < t + rows; i++) {
      check_view(&m.ring, i, from);
      for (int64_t j = i; j < t + rows; j++) check_spans(&m, i, j, from);
    }
  }
}

/* Dropping the newest tokens: exactly as far as the rows that the shorter stream sees are still
 * there. */
static void check_kept(int64_t sinks, int64_t window, int64_t max_rows) {
  model m = model_of(sinks, window, max_rows);
  for (int64_t end = 1; end < 4 * (sinks + window + max_rows); end++) {
    store(&m, end - 1);
    for (int64_t t = sinks + 1; t <= end; t++) {
      sks_view view = sks_view_of(&m.ring, t);
      bool whole = true;
      for (int64_t i = sinks; i < t; i++)
        if (sees(&m.ring, t, i)) whole &= m.holds[sks_slot_of(&m.ring, i)] == i;
      REQUIRE(whole == (view.first >= sks_first_kept(&m.ring, end)),
              "S %lld R %lld rows %lld: %lld of %lld", (long long)sinks, (long long)window,
              (long long)max_rows, (long long)t, (long long)end);
    }
  }
}

static void check_dense(void) {
  sks_ring ring = {0, SKS_ENDLESS, SKS_ENDLESS, 0};
  sks_span spans[SKS_SPANS];
  for (int64_t t = 0; t < INT64_C(1) << 62; t = 3 * t + 1) {
    sks_view view = sks_view_of(&ring, t);
    REQUIRE(view.query == t && view.first == 0, "%lld", (long long)t);
    REQUIRE(sks_spans_between(&ring, view, view, spans) == t + 1, "%lld", (long long)t);
    REQUIRE(spans[1].slot == 0 && spans[1].count == t + 1 && spans[2].count == 0, "%lld",
            (long long)t);
  }
}

int main(void) {
  static const int64_t starts[] = {0, 1 << 24, INT64_C(1) << 31, INT64_C(1) << 40,
                                   (INT64_C(1) << 62) - TOKENS};
  for (int64_t sinks = 0; sinks <= 4; sinks++) {
    for (int64_t window = 1; window <= 6; window++) {
      for (int64_t max_rows = 1; max_rows <= 5; max_rows++) {
        check_kept(sinks, window, max_rows);
        for (int64_t rows = 1; rows <= max_rows; rows++)
          for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
            for (int64_t offset = 0; offset < (starts[i] > 0 ? window + max_rows : 1); offset++)
              check_stream(sinks, window, max_rows, rows, starts[i] + offset);
      }
    }
  }
  check_dense();
  return check_report();
}
