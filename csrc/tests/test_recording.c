/* Recordings as csrc/ops keeps them: what a step has appended, whose operations are recorded, and
 * what fails. On a device that computes nothing; what a GPU computes is tested through Java. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "sinkstream/attention.h"
#include "sinkstream/recording.h"
#include "support/check.h"
#include "support/recorder.h"

enum { LAYERS = 3, HEAD_DIM = 8 };

/* A stream with a batch of its own, which one thread steps. */
typedef struct stream {
  sks_attention *attention;
  sks_batch *batch;
  sks_cache *cache;
  float row[2 * HEAD_DIM];
} stream;

static sks_cache *create_cache(const sks_attention *attention, int32_t type) {
  sks_cache_spec spec = {.sinks = 4, .window = 60, .max_rows = 2, .type = type};
  sks_cache *cache = NULL;
  REQUIRE(sks_cache_create(attention, &spec, &cache) == SKS_OK, "%s", sks_last_error());
  return cache;
}

static stream open_stream(recorder *r) {
  sks_attention_spec shape = {
      .layers = LAYERS, .heads = 1, .kv_heads = 1, .head_dim = HEAD_DIM, .scale = 1};
  stream s = {0};
  REQUIRE(sks_attention_create(&r->base, &shape, &s.attention) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_batch_create(s.attention, 2, &s.batch) == SKS_OK, "%s", sks_last_error());
  s.cache = create_cache(s.attention, SKS_F32);
  return s;
}

static void close_stream(stream *s) {
  sks_cache_destroy(s->cache);
  sks_batch_destroy(s->batch);
  sks_attention_destroy(s->attention);
}

static void begin_step(stream *s) {
  int32_t one = 1;
  CHECK(sks_batch_begin(s->batch, &s->cache, &one, 1) == SKS_OK, "%s", sks_last_error());
}

static int32_t append(stream *s, int32_t layer) {
  return sks_append(s->batch, layer, s->row, s->row, HEAD_DIM, HEAD_DIM);
}

static int32_t attend(stream *s, int32_t layer) {
  return sks_attend(s->batch, layer, s->row, HEAD_DIM, HEAD_DIM, NULL, s->row);
}

static void run_layers(stream *s) {
  for (int32_t i = 0; i < LAYERS; i++) {
    CHECK(append(s, i) == SKS_OK, "%s", sks_last_error());
    CHECK(attend(s, i) == SKS_OK, "%s", sks_last_error());
  }
}

static sks_recording *record_layers(recorder *r, stream *s) {
  sks_recording *recording = NULL;
  REQUIRE(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  run_layers(s);
  REQUIRE(sks_recording_end(&r->base, &recording) == SKS_OK, "%s", sks_last_error());
  return recording;
}

static void replay_and_commit(sks_recording *recording, stream *s) {
  int64_t position = sks_cache_position(s->cache);
  CHECK(sks_recording_replay(recording) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_batch_commit(s->batch) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_cache_position(s->cache) == position + 1, "not at %lld", (long long)position + 1);
}

static void refuse_commit(stream *s, const char *words) {
  int64_t position = sks_cache_position(s->cache);
  CHECK_REFUSED(sks_batch_commit(s->batch), SKS_IMPOSSIBLE, words);
  CHECK(sks_cache_position(s->cache) == position, "not at %lld", (long long)position);
}

/* What is recorded happens with each replay, and not before. */
static void test_steps(recorder *r) {
  stream s = open_stream(r);
  begin_step(&s);
  sks_recording *recording = record_layers(r, &s);
  refuse_commit(&s, "layer 0 was not appended");
  for (int i = 0; i < 3; i++) {
    if (i > 0) begin_step(&s);
    replay_and_commit(recording, &s);
  }
  CHECK_REFUSED(sks_recording_replay(recording), SKS_IMPOSSIBLE, "the batch has no step");
  sks_recording_destroy(recording);
  close_stream(&s);
}

/* One a thread and device, and nothing is in progress where none began. */
static void test_refusals(recorder *r) {
  CHECK_REFUSED(sks_recording_end(&r->base, NULL), SKS_IMPOSSIBLE, "no recording");
  r->fail_begin = true;
  CHECK_REFUSED(sks_recording_begin(&r->base), SKS_FAULT, "does not begin");
  CHECK_REFUSED(sks_recording_end(&r->base, NULL), SKS_IMPOSSIBLE, "no recording");
  r->fail_begin = false;
  CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_recording_begin(&r->base), SKS_IMPOSSIBLE, "cannot be recorded");
  CHECK(sks_recording_end(&r->base, NULL) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_recording_end(&r->base, NULL), SKS_IMPOSSIBLE, "no recording");
}

/* A step whose recording failed cannot be committed, but can still be run. */
static void test_failed_end(recorder *r) {
  stream s = open_stream(r);
  begin_step(&s);
  CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  run_layers(&s);
  r->fail_end = true;
  CHECK_REFUSED(sks_recording_end(&r->base, NULL), SKS_FAULT, "the recording fails");
  r->fail_end = false;
  refuse_commit(&s, "layer 0 was not appended");
  run_layers(&s);
  CHECK(sks_batch_commit(s.batch) == SKS_OK, "%s", sks_last_error());
  close_stream(&s);
}

/* What could not be recorded does not happen with a replay. */
static void test_failed_append(recorder *r) {
  stream s = open_stream(r);
  sks_recording *recording = NULL;
  begin_step(&s);
  CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  CHECK(append(&s, 0) == SKS_OK, "%s", sks_last_error());
  r->fail_append = true;
  CHECK_REFUSED(append(&s, 1), SKS_FAULT, "the append fails");
  r->fail_append = false;
  CHECK(append(&s, 2) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_recording_end(&r->base, &recording) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_recording_replay(recording) == SKS_OK, "%s", sks_last_error());
  refuse_commit(&s, "layer 1 was not appended");
  sks_recording_destroy(recording);
  close_stream(&s);
}

static void test_one_batch_each(recorder *r) {
  stream a = open_stream(r), b = open_stream(r);
  begin_step(&a);
  begin_step(&b);
  CHECK(append(&a, 0) == SKS_OK, "%s", sks_last_error());
  CHECK(append(&b, 0) == SKS_OK, "%s", sks_last_error());
  for (int attends = 0; attends < 2; attends++) {
    CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
    CHECK((attends ? attend(&a, 0) : append(&a, 0)) == SKS_OK, "%s", sks_last_error());
    CHECK_REFUSED(attend(&b, 0), SKS_IMPOSSIBLE, "another batch");
    CHECK_REFUSED(append(&b, 0), SKS_IMPOSSIBLE, "another batch");
    CHECK(sks_recording_end(&r->base, NULL) == SKS_OK, "%s", sks_last_error());
    begin_step(&a);
    CHECK(append(&a, 0) == SKS_OK, "%s", sks_last_error());
  }
  close_stream(&a);
  close_stream(&b);
}

/* Launches are made for one row of each stream, and for one type of keys and values. */
static void test_steps_of_one_kind(recorder *r) {
  stream s = open_stream(r);
  begin_step(&s);
  sks_recording *recording = record_layers(r, &s);
  replay_and_commit(recording, &s);

  int32_t one = 1, two = 2;
  CHECK(sks_batch_begin_padded(s.batch, &s.cache, &one, 1, 2) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_recording_replay(recording), SKS_IMPOSSIBLE, "it was recorded with 1");
  CHECK(sks_batch_begin(s.batch, &s.cache, &two, 1) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_recording_replay(recording), SKS_IMPOSSIBLE, "one row of each stream");
  CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(append(&s, 0), SKS_IMPOSSIBLE, "rows[0] of the step is 2");
  CHECK(sks_recording_end(&r->base, NULL) == SKS_OK, "%s", sks_last_error());

  sks_cache *other = create_cache(s.attention, SKS_Q8_0);
  CHECK(sks_batch_begin(s.batch, &other, &one, 1) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_recording_replay(recording), SKS_IMPOSSIBLE,
                "caches[0] is of type q8_0; it was recorded with f32");
  sks_cache_destroy(other);
  sks_recording_destroy(recording);
  close_stream(&s);
}

/* A thread may record on two devices at once, and end the two in any order. */
static void test_two_devices(recorder *r) {
  recorder *other = recorder_open();
  stream a = open_stream(r), b = open_stream(other);
  for (int order = 0; order < 2; order++) {
    sks_recording *of_a = NULL, *of_b = NULL;
    begin_step(&a);
    begin_step(&b);
    CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
    CHECK(sks_recording_begin(&other->base) == SKS_OK, "%s", sks_last_error());
    run_layers(&a);
    run_layers(&b);
    if (order == 0) CHECK(sks_recording_end(&r->base, &of_a) == SKS_OK, "%s", sks_last_error());
    CHECK(sks_recording_end(&other->base, &of_b) == SKS_OK, "%s", sks_last_error());
    if (order == 1) CHECK(sks_recording_end(&r->base, &of_a) == SKS_OK, "%s", sks_last_error());
    replay_and_commit(of_a, &a);
    replay_and_commit(of_b, &b);
    sks_recording_destroy(of_a);
    sks_recording_destroy(of_b);
  }
  close_stream(&a);
  close_stream(&b);
  sks_device_close(&other->base);
}

typedef struct other_thread {
  stream stream;
  _Atomic bool done;
} other_thread;

static void *run_step(void *argument) {
  other_thread *other = argument;
  run_layers(&other->stream);
  CHECK(sks_batch_commit(other->stream.batch) == SKS_OK, "%s", sks_last_error());
  atomic_store(&other->done, true);
  return NULL;
}

/* A thread that comes with a step of its own in the middle of a recording waits, and neither shows
 * in the other's. */
static void test_others_wait(recorder *r) {
  stream s = open_stream(r);
  other_thread other = {.stream = open_stream(r)};
  begin_step(&other.stream);
  begin_step(&s);
  sks_recording *recording = NULL;
  REQUIRE(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  pthread_t thread;
  pthread_create(&thread, NULL, run_step, &other);
  while (atomic_load(&r->waiting) == 0 && !atomic_load(&other.done))
    nanosleep(&(struct timespec){0, 100000}, NULL);
  run_layers(&s);
  CHECK(!atomic_load(&other.done), "the other thread did not wait");
  CHECK(sks_recording_end(&r->base, &recording) == SKS_OK, "%s", sks_last_error());
  pthread_join(thread, NULL);
  replay_and_commit(recording, &s);
  CHECK(sks_cache_position(other.stream.cache) == 1, "the other step is lost");
  sks_recording_destroy(recording);
  close_stream(&s);
  close_stream(&other.stream);
}

static void *end_recording(void *device) {
  CHECK_REFUSED(sks_recording_end(device, NULL), SKS_IMPOSSIBLE, "in this thread");
  return NULL;
}

static void test_others_cannot_end_it(recorder *r) {
  pthread_t thread;
  CHECK(sks_recording_begin(&r->base) == SKS_OK, "%s", sks_last_error());
  pthread_create(&thread, NULL, end_recording, &r->base);
  pthread_join(thread, NULL);
  CHECK(sks_recording_end(&r->base, NULL) == SKS_OK, "%s", sks_last_error());
}

/* As sessions do: a step as it is, one recorded, then replays; and again. */
static void *record_often(void *argument) {
  recorder *r = argument;
  stream s = open_stream(r);
  for (int64_t i = 0; i < check_effort(1000); i++) {
    begin_step(&s);
    run_layers(&s);
    CHECK(sks_batch_commit(s.batch) == SKS_OK, "%s", sks_last_error());
    begin_step(&s);
    sks_recording *recording = record_layers(r, &s);
    replay_and_commit(recording, &s);
    begin_step(&s);
    replay_and_commit(recording, &s);
    sks_recording_destroy(recording);
  }
  close_stream(&s);
  return NULL;
}

static void test_many_threads(recorder *r) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, record_often, r);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

int main(void) {
  int64_t bytes = sks_allocated_bytes();
  recorder *r = recorder_open();
  test_steps(r);
  test_refusals(r);
  test_failed_end(r);
  test_failed_append(r);
  test_one_batch_each(r);
  test_steps_of_one_kind(r);
  test_two_devices(r);
  test_others_wait(r);
  test_others_cannot_end_it(r);
  test_many_threads(r);
  sks_device_close(&r->base);
  CHECK(sks_allocated_bytes() == bytes, "%lld bytes left",
        (long long)(sks_allocated_bytes() - bytes));
  return check_report();
}
