#include "cpu/batch.h"

#include "core/memory.h"
#include "core/round_up.h"

/* Fewer multiplications than this take no longer than waking the other threads. */
enum { WORTH_WAKING = 1 << 17 };

/* A sine and a cosine in double cost about as much as this many multiplications. */
enum { PHASE_WORK = 128 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t sks_batch_softmax_floats(const sks_cpu_batch *batch) {
  return 2 * sks_round_up(batch->tile_queries, 16) + batch->tile_queries * batch->stride;
}

sks_softmax sks_batch_softmax(const sks_cpu_batch *batch, float *memory) {
  int64_t column = sks_round_up(batch->tile_queries, 16);
  return (sks_softmax){.max = memory, .sum = memory + column, .acc = memory + 2 * column};
}

void sks_cpu_batch_run(const sks_cpu_batch *batch, int64_t work, int64_t tasks, sks_task *task,
                       void *argument) {
  if (work >= WORTH_WAKING) {
    sks_pool_run(batch->cpu->pool, tasks, task, argument);
    return;
  }
  for (int64_t i = 0; i < tasks; i++) task(argument, i, 0);
}

static bool allocate_scratch(sks_cpu_batch *batch, int32_t threads) {
  int64_t queries = batch->tile_queries, column = sks_round_up(queries, 16),
          softmax = sks_batch_softmax_floats(batch);
  int64_t floats =
      2 * queries * batch->stride + 2 * column + queries * SKS_ATTEND_SLOTS + 2 * softmax;
  batch->scratch = sks_memory_allocate(threads * (int64_t)sizeof(sks_scratch), "a batch");
  batch->scratch_floats =
      sks_memory_allocate(threads * floats * (int64_t)sizeof(float), "a batch's scratch");
  if (!batch->scratch || !batch->scratch_floats) return false;
  for (int32_t i = 0; i < threads; i++) {
    float *at = batch->scratch_floats + i * floats;
    sks_scratch *scratch = &batch->scratch[i];
    scratch->stream_queries = at;
    scratch->cache_queries = at += queries * batch->stride;
    scratch->slopes = at += queries * batch->stride;
    scratch->distances = at += column;
    scratch->scores = at += column;
    scratch->running = sks_batch_softmax(batch, at += queries * SKS_ATTEND_SLOTS);
    scratch->chunk = sks_batch_softmax(batch, at + softmax);
  }
  return true;
}

static bool allocate(sks_cpu_batch *batch, int64_t rows) {
  const sks_attention *attention = batch->attention;
  int32_t threads = sks_pool_threads(batch->cpu->pool);
  batch->tiles = sks_memory_allocate(rows * (int64_t)sizeof(sks_tile), "a batch's tiles");
  batch->row_phases =
      sks_memory_allocate(rows * (int64_t)sizeof(sks_row_phases), "a batch's phases");
  if (!batch->tiles || !batch->row_phases) return false;
  if (attention->rotary_half > 0) {
    batch->phases = sks_memory_allocate(rows * 4 * attention->rotary_half * (int64_t)sizeof(float),
                                        "a batch's phases");
    if (!batch->phases) return false;
  }
  /* With one thread there is nobody to split for; with more, four tasks for each even out what they
   * cost. */
  batch->split_below =
      threads > 1 ? (int32_t)smaller(4 * threads, rows * attention->kv_heads + 1) : 0;
  if (batch->split_below > 0) {
    int64_t floats = (int64_t)batch->split_below * SKS_MAX_CHUNKS * sks_batch_softmax_floats(batch);
    batch->partial =
        sks_memory_allocate(floats * (int64_t)sizeof(float), "a batch's partial results");
    batch->done =
        sks_memory_allocate(batch->split_below * (int64_t)sizeof(*batch->done), "a batch");
    if (!batch->partial || !batch->done) return false;
  }
  return allocate_scratch(batch, threads);
}

int32_t sks_cpu_batch_create(sks_batch *batch) {
  const sks_attention *attention = batch->attention;
  sks_cpu_batch *made = sks_memory_allocate(sizeof(*made), "a batch");
  if (!made) return SKS_OUT_OF_MEMORY;
  batch->own = made;
  made->cpu = sks_cpu_of(attention->device);
  made->attention = attention;
  made->rows = batch->rows;
  made->tile_queries = attention->group > SKS_TILE_QUERIES ? attention->group : SKS_TILE_QUERIES;
  made->stride = sks_round_up(attention->head_dim, 16);
  if (allocate(made, batch->max_rows)) return SKS_OK;
  sks_cpu_batch_destroy(batch);
  return SKS_OUT_OF_MEMORY;
}

void sks_cpu_batch_destroy(sks_batch *batch) {
  sks_cpu_batch *made = batch->own;
  sks_memory_free(made->tiles);
  sks_memory_free(made->phases);
  sks_memory_free(made->row_phases);
  sks_memory_free(made->scratch);
  sks_memory_free(made->scratch_floats);
  sks_memory_free(made->partial);
  sks_memory_free(made->done);
  sks_memory_free(made);
}

static int64_t clamp_chunk(int64_t blocks) {
  int64_t even = sks_ceil_div(blocks, SKS_MAX_CHUNKS);
  return even > SKS_CHUNK_BLOCKS ? even : SKS_CHUNK_BLOCKS;
}

static void add_tile(sks_cpu_batch *batch, const sks_cache *cache, int32_t row, int32_t rows) {
  sks_tile *tile = &batch->tiles[batch->tile_count++];
  tile->row = row;
  tile->rows = rows;
  int64_t keys = sks_spans_between(&cache->ring, batch->rows[row].view,
                                   batch->rows[row + rows - 1].view, tile->spans);
  tile->blocks = 0;
  for (int i = 0; i < SKS_SPANS; i++) tile->blocks += sks_span_blocks(&tile->spans[i]);
  tile->chunk_blocks = clamp_chunk(tile->blocks);
  tile->chunks = (int32_t)sks_ceil_div(tile->blocks, tile->chunk_blocks);
  tile->first_chunk = batch->chunk_count;
  batch->chunk_count += tile->chunks;
  batch->work += 2 * keys * rows * batch->attention->heads * batch->attention->head_dim;
}

static void fill_phase(const sks_attention *attention, int64_t position, float *phase) {
  for (int32_t i = 0; i < attention->rotary_half; i++) {
    double cosine, sine;
    sks_phase(attention->turns[i], position, &cosine, &sine);
    phase[i] = (float)cosine;
    phase[attention->rotary_half + i] = (float)sine;
  }
}

static void fill_phases(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  sks_cpu_batch *batch = argument;
  const sks_attention *attention = batch->attention;
  const sks_row *row = &batch->rows[index];
  sks_row_phases *at = &batch->row_phases[index];
  float *phases = batch->phases + index * 4 * attention->rotary_half;
  fill_phase(attention, row->view.position, phases);
  at->stream = at->query = phases;
  if (row->view.query == row->view.position) return;
  fill_phase(attention, row->view.query, phases + 2 * attention->rotary_half);
  at->query = phases + 2 * attention->rotary_half;
}

/* Cuts the stream's rows, from `first` on, into tiles. */
static void add_stream(sks_cpu_batch *batch, const sks_cache *cache, int32_t first, int32_t rows) {
  int32_t tile_rows = batch->tile_queries / batch->attention->group;
  for (int32_t i = 0; i < rows; i += tile_rows)
    add_tile(batch, cache, first + i, rows - i < tile_rows ? rows - i : tile_rows);
}

int32_t sks_cpu_batch_begin(sks_batch *step) {
  sks_cpu_batch *batch = step->own;
  batch->row_count = step->row_count;
  batch->tile_count = batch->chunk_count = 0;
  batch->work = 0;
  for (int32_t i = 0, first = 0; i < step->stream_count; first += step->streams[i++].rows)
    add_stream(batch, step->streams[i].cache, first, step->streams[i].rows);
  int32_t half = batch->attention->rotary_half;
  if (half > 0)
    sks_cpu_batch_run(batch, (int64_t)batch->row_count * half * PHASE_WORK, batch->row_count,
                      fill_phases, batch);
  return SKS_OK;
}
