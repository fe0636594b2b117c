/* A cache as bytes: a header that proves the rest, then the rows in the order of their tokens,
 * whatever the ring's state. */
#include <string.h>

#include "core/attention.h"
#include "core/backend.h"
#include "core/cache.h"
#include "core/element.h"
#include "core/fail.h"
#include "core/hash.h"

static const char MAGIC[8] = "SKScache";
enum { VERSION = 2 };

typedef struct state_header {
  char magic[8];
  int32_t version;
  int32_t type;
  uint64_t fingerprint; /* of the attention */
  int64_t sinks;
  int64_t window;
  int64_t max_rows;
  int64_t position;
  int64_t oldest;
  int64_t stored_end;
  uint64_t rows_hash;
} state_header;

/* The rows worth keeping: those a query may still see, also after dropping tokens. Returns how
 * many. */
static int64_t kept_spans(const sks_ring *ring, int64_t position, int64_t stored_end,
                          sks_span spans[SKS_SPANS]) {
  int64_t sinks = position < ring->sinks ? position : ring->sinks;
  int64_t first = sks_first_kept(ring, stored_end);
  int64_t window = position > first ? position - first : 0;
  sks_spans_of(ring, sinks, first, window, spans);
  return sinks + window;
}

/* Bytes of that many rows in all layers and heads; false where that overflows. */
static bool rows_bytes(const sks_cache *cache, int64_t rows, int64_t *bytes) {
  const sks_attention *attention = cache->attention;
  int64_t per_row = 2 * attention->kv_heads * sks_kv_row_bytes(cache->type, attention->head_dim);
  return !__builtin_mul_overflow(per_row, attention->layers, &per_row) &&
         !__builtin_mul_overflow(per_row, rows, bytes);
}

int64_t sks_cache_state_bytes(const sks_cache *cache) {
  sks_span spans[SKS_SPANS];
  int64_t bytes = 0;
  rows_bytes(cache, kept_spans(&cache->ring, cache->position, cache->stored_end, spans), &bytes);
  return (int64_t)sizeof(state_header) + bytes;
}

static state_header header_of(const sks_cache *cache) {
  state_header header = {.version = VERSION,
                         .type = cache->type,
                         .fingerprint = cache->attention->fingerprint,
                         .sinks = cache->ring.sinks,
                         .window = cache->ring.window,
                         .max_rows = cache->max_rows,
                         .position = cache->position,
                         .oldest = cache->ring.oldest,
                         .stored_end = cache->stored_end};
  memcpy(header.magic, MAGIC, sizeof(MAGIC));
  return header;
}

int32_t sks_cache_export(const sks_cache *cache, void *target, int64_t bytes) {
  int64_t expected = sks_cache_state_bytes(cache);
  if (bytes != expected)
    return sks_fail(SKS_INVALID_ARGUMENT, "room for a cache state is %lld bytes; expected %lld",
                    (long long)bytes, (long long)expected);
  state_header header = header_of(cache);
  char *rows = (char *)target + sizeof(header);
  sks_span spans[SKS_SPANS];
  kept_spans(&cache->ring, cache->position, cache->stored_end, spans);
  int32_t status = cache->attention->device->backend->cache_pack(cache, spans, rows);
  if (status != SKS_OK) return status;
  header.rows_hash = sks_hash(SKS_HASH_START, rows, expected - (int64_t)sizeof(header));
  memcpy(target, &header, sizeof(header));
  return SKS_OK;
}

static int32_t refuse(const char *what, int64_t found, int64_t expected) {
  return sks_fail(SKS_INVALID_ARGUMENT, "cache state: %s is %lld; expected %lld", what,
                  (long long)found, (long long)expected);
}

static int32_t check_kind(const sks_cache *cache, const state_header *header) {
  state_header own = header_of(cache);
  if (memcmp(header->magic, MAGIC, sizeof(MAGIC)) != 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache state: these bytes are not the state of a cache");
  if (header->version != VERSION) return refuse("version", header->version, VERSION);
  if (header->fingerprint != own.fingerprint)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache state: it is of another model (attention shape or positions differ)");
  if (header->type != own.type)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache state: type is %s; expected %s",
                    sks_type_name(header->type), sks_type_name(own.type));
  if (header->sinks != own.sinks) return refuse("sinks", header->sinks, own.sinks);
  if (header->window != own.window) return refuse("window", header->window, own.window);
  if (header->max_rows != own.max_rows) return refuse("max_rows", header->max_rows, own.max_rows);
  return SKS_OK;
}

/* Whether a cache can be in this state at all. `ring` is the cache's own, with the state's
 * `oldest`. */
static bool is_state(const sks_ring *ring, const state_header *header) {
  int64_t position = header->position, oldest = header->oldest, stored_end = header->stored_end;
  if (position < 0 || position > SKS_POSITION_LIMIT) return false;
  if (oldest < ring->sinks || (oldest > position && oldest != ring->sinks)) return false;
  if (stored_end < position || stored_end > SKS_POSITION_LIMIT) return false;
  return stored_end - ring->slots <= sks_view_of(ring, position).first;
}

int32_t sks_cache_import(sks_cache *cache, const void *source, int64_t bytes) {
  state_header header;
  if (bytes < (int64_t)sizeof(header))
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache state: %lld bytes are too few; expected at least %zu", (long long)bytes,
                    sizeof(header));
  memcpy(&header, source, sizeof(header));
  int32_t status = check_kind(cache, &header);
  if (status != SKS_OK) return status;

  sks_ring ring = cache->ring;
  ring.oldest = header.oldest;
  if (!is_state(&ring, &header))
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache state: position %lld, oldest %lld and end %lld do not go together",
                    (long long)header.position, (long long)header.oldest,
                    (long long)header.stored_end);
  sks_span spans[SKS_SPANS];
  int64_t rows_expected, found = bytes - (int64_t)sizeof(header);
  if (!rows_bytes(cache, kept_spans(&ring, header.position, header.stored_end, spans),
                  &rows_expected))
    rows_expected = INT64_MAX;
  if (found != rows_expected) return refuse("bytes of rows", found, rows_expected);
  char *rows = (char *)source + sizeof(header);
  if (sks_hash(SKS_HASH_START, rows, found) != header.rows_hash)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache state: the checksum of its rows is wrong, the bytes are damaged");
  status = sks_cache_grow(cache, header.position, header.position);
  if (status != SKS_OK) return status;

  status = cache->attention->device->backend->cache_unpack(cache, spans, rows);
  if (status != SKS_OK) return status;
  cache->ring = ring;
  cache->position = header.position;
  cache->stored_end = header.stored_end;
  cache->edits++;
  return SKS_OK;
}
