package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.StackedWeights;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Weights;
import org.sinkstream.synthetic.SmallModels;
import org.sinkstream.synthetic.SyntheticModel;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.Gpu;
import org.sinkstream.testing.RandomTokens;

/** What a GPU does is what the CPU does, up to rounding: streams, batches, states, sampling. */
class CudaTest {
  private static final CachePolicy SMALL = CachePolicy.streaming(4, 60);
  private static final float TOLERANCE = 2e-3f;

  /** Of logits up to 14, where inputs are rounded to 16 bits at different places. */
  private static final float ROUNDED_TOLERANCE = 0.1f;

  /** The same of bfloat16, of 8 bits; rows taken for others would be off by several. */
  private static final float BFLOAT_TOLERANCE = 0.5f;

  private static Model gpu;
  private static Model cpu;

  @BeforeAll
  static void open() {
    Gpu.require();
    ModelOptions exact =
        ModelOptions.defaults()
            .withKvType(KvType.F32)
            .withActivations(Activations.F32)
            .withChunk(16);
    gpu = Model.open(EmbeddedModel.DIRECTORY, exact.withDevice("cuda"));
    cpu = Model.open(EmbeddedModel.DIRECTORY, exact);
  }

  @AfterAll
  static void close() {
    if (gpu != null) {
      gpu.close();
      cpu.close();
    }
  }

  private static void assertSame(Session found, Session expected) {
    assertThat(found.position()).isEqualTo(expected.position());
    assertThat(found.cachedTokens()).isEqualTo(expected.cachedTokens());
    assertThat(found.logits()).containsExactly(expected.logits(), within(TOLERANCE));
  }

  @Test
  void recordedStepsGoOnForLongAfterTheWindowWraps() {
    try (Session found = gpu.newSession(SMALL);
        Session expected = cpu.newSession(SMALL)) {
      for (int token : RandomTokens.of(cpu, 300, 1)) {
        found.append(token);
        expected.append(token);
        assertSame(found, expected);
      }
    }
  }

  @Test
  void statesOfBothAreTheSameThing(@TempDir Path folder) throws IOException {
    try (Session found = gpu.newSession(SMALL);
        Session expected = cpu.newSession(SMALL)) {
      found.append(RandomTokens.of(cpu, 100, 2));
      expected.append(RandomTokens.of(cpu, 100, 2));
      found.evict(70, 80);
      expected.evict(70, 80);
      found.dropLast(2);
      expected.dropLast(2);
      found.append(RandomTokens.of(cpu, 30, 3));
      expected.append(RandomTokens.of(cpu, 30, 3));
      assertSame(found, expected);
      Path file = folder.resolve("state");
      found.save(file);
      try (Session restored = cpu.restore(file, SMALL)) {
        restored.append(7);
        expected.append(7);
        assertSame(restored, expected);
      }
      expected.save(file);
      try (Session restored = gpu.restore(file, SMALL)) {
        restored.append(8);
        expected.append(8);
        assertSame(restored, expected);
      }
    }
  }

  @Test
  void denseCachesGrow() {
    try (Session found = gpu.newSession(CachePolicy.dense());
        Session expected = cpu.newSession(CachePolicy.dense())) {
      for (int i = 0; i < 5; i++) {
        found.append(RandomTokens.of(cpu, 150, i));
        expected.append(RandomTokens.of(cpu, 150, i));
        found.append(5);
        expected.append(5);
        assertSame(found, expected);
      }
    }
  }

  @Test
  void streamsJoinAndLeaveBatches() {
    List<Session> together = new ArrayList<>();
    List<Session> alone = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(5);
    try (SessionBatch batch = gpu.newBatch(9)) {
      for (int i = 0; i < 9; i++) {
        CachePolicy policy = i == 4 ? CachePolicy.dense() : CachePolicy.streaming(i, 60 - i);
        CachePolicy wider = i < 2 ? CachePolicy.streaming(4, 90) : policy;
        together.add(gpu.newSession(wider));
        alone.add(cpu.newSession(wider));
        together.get(i).append(RandomTokens.of(cpu, 1 + 30 * i, i));
        alone.get(i).append(RandomTokens.of(cpu, 1 + 30 * i, i));
      }
      for (int step = 0; step < 60; step++) {
        int members = 1 + random.nextInt(9);
        int[] next = RandomTokens.of(cpu, members, 100 + step);
        batch.append(together.subList(9 - members, 9), next);
        for (int i = 0; i < members; i++) {
          alone.get(9 - members + i).append(next[i]);
          assertSame(together.get(9 - members + i), alone.get(9 - members + i));
        }
        int count = step % 10 == 9 ? 2000 : 1 + random.nextInt(60);
        SessionBatchTest.assertCandidatesAreTheirs(batch, together.subList(9 - members, 9), count);
      }
    } finally {
      together.forEach(Session::close);
      alone.forEach(Session::close);
    }
  }

  /** Operations leave their results once more in 16 bits for the next one, at most 64 rows. */
  @Test
  void batchesOfRoundedRowsAreTheStreamsAlone() {
    List<Session> together = new ArrayList<>();
    List<Session> alone = new ArrayList<>();
    try (Model rounded =
            Model.open(EmbeddedModel.DIRECTORY, ModelOptions.defaults().withDevice("cuda"));
        SessionBatch batch = rounded.newBatch(SessionBatch.MAX_STREAMS)) {
      try {
        for (int i = 0; i < batch.maxStreams(); i++) {
          together.add(rounded.newSession(SMALL));
          alone.add(rounded.newSession(SMALL));
        }
        int step = 0;
        for (int streams : new int[] {64, 64, 70, 64, 2, 9, 64, 130, 256, 256, 65}) {
          int[] next = RandomTokens.of(cpu, streams, 200 + step++);
          batch.append(together.subList(0, streams), next);
          for (int i = 0; i < streams; i++) {
            alone.get(i).append(next[i]);
            assertThat(together.get(i).logits())
                .containsExactly(alone.get(i).logits(), within(BFLOAT_TOLERANCE));
          }
          SessionBatchTest.assertCandidatesAreTheirs(batch, together.subList(0, streams), step);
        }
      } finally {
        together.forEach(Session::close);
        alone.forEach(Session::close);
      }
    }
  }

  /** Prompts and recorded steps over caches of each type, far beyond the window. */
  @ParameterizedTest
  @EnumSource(KvType.class)
  void cachesOfEachTypeAreTheCpus(KvType type) {
    ModelOptions options =
        ModelOptions.defaults().withKvType(type).withActivations(Activations.F32).withChunk(16);
    try (Model found = Model.open(EmbeddedModel.DIRECTORY, options.withDevice("cuda"));
        Model expected = Model.open(EmbeddedModel.DIRECTORY, options);
        Session session = found.newSession(SMALL);
        Session other = expected.newSession(SMALL)) {
      session.append(RandomTokens.of(cpu, 150, 21));
      other.append(RandomTokens.of(cpu, 150, 21));
      for (int token : RandomTokens.of(cpu, 100, 22)) {
        session.append(token);
        other.append(token);
        assertThat(session.logits()).containsExactly(other.logits(), within(BFLOAT_TOLERANCE));
      }
    }
  }

  /** With quantised weights attention leaves whole numbers; the two round at the same places. */
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void quantisedStepsAreTheCpus(WeightType type, @TempDir Path folder) throws IOException {
    Path file = folder.resolve("quantised.gguf");
    try (Conversion conversion = Conversion.open(EmbeddedModel.DIRECTORY, "quantised", type, 2)) {
      conversion.write(file, bytes -> {});
    }
    try (Model found = Model.open(file, ModelOptions.defaults().withDevice("cuda"));
        Model expected = Model.open(file, ModelOptions.defaults());
        Session session = found.newSession(SMALL);
        Session other = expected.newSession(SMALL)) {
      for (int token : RandomTokens.of(cpu, 100, 7)) {
        session.append(token);
        other.append(token);
        assertThat(session.logits()).containsExactly(other.logits(), within(ROUNDED_TOLERANCE));
      }
    }
  }

  @Test
  void theSameTokensAreChosen() {
    GenerationOptions greedy = GenerationOptions.of(60, 1).withSampling(Sampling.greedy());
    try (Session found = gpu.newSession(SMALL);
        Session expected = cpu.newSession(SMALL)) {
      found.append(RandomTokens.of(cpu, 20, 9));
      expected.append(RandomTokens.of(cpu, 20, 9));
      assertThat(found.generate(greedy).stream().map(Token::id).toList())
          .isEqualTo(expected.generate(greedy).stream().map(Token::id).toList());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"4+60", "dense", "recompute:64"})
  void theDeviceChoosesTheLikeliest(String policy) {
    try (Session found = gpu.newSession(CachePolicy.parse(policy));
        Session other = gpu.newSession(SMALL);
        Session expected = gpu.newSession(CachePolicy.parse(policy))) {
      found.append(RandomTokens.of(cpu, 20, 22));
      expected.append(RandomTokens.of(cpu, 20, 22));
      other.append(3);
      LikeliestSteps.check(found, expected, 80);
      for (Token token : found.generate(GenerationOptions.greedy(30))) {
        other.candidates(1); // a question between two choices
        expected.append(token.id());
      }
      assertThat(found.logits()).isEqualTo(expected.logits());
    }
  }

  @Test
  void theLikeliestOfBatchesAreAppended() {
    SessionBatchTest.checkLikeliest(gpu);
  }

  @Test
  void candidatesAreTheLargestLogits() {
    try (Session session = gpu.newSession(SMALL)) {
      for (int token : RandomTokens.of(cpu, 5, 10)) {
        session.append(token);
        float[] logits = session.logits();
        int[] order =
            IntStream.range(0, logits.length)
                .boxed()
                .sorted(
                    Comparator.comparingDouble((Integer id) -> -logits[id])
                        .thenComparingInt(id -> id))
                .mapToInt(id -> id)
                .toArray();
        for (int count : new int[] {1, 2, 40, 300, 1024, logits.length}) {
          Candidates found = session.candidates(count);
          assertThat(found.ids()).isEqualTo(Arrays.copyOf(order, count));
          for (int i = 0; i < count; i++) {
            assertThat(found.logits()[i]).isEqualTo(logits[found.ids()[i]]);
          }
        }
      }
    }
  }

  @Test
  void tokensAreSeenToAttendToTheSame() {
    for (CachePolicy policy : List.of(SMALL, CachePolicy.dense())) {
      List<float[]> found = new ArrayList<>();
      List<float[]> expected = new ArrayList<>();
      try (Session onGpu = gpu.newSession(policy);
          Session onCpu = cpu.newSession(policy)) {
        onGpu.append(RandomTokens.of(cpu, 70, 12));
        onCpu.append(RandomTokens.of(cpu, 70, 12));
        onGpu.observe(
            RandomTokens.of(cpu, 3, 13), (position, layer, weights) -> found.add(weights));
        onCpu.observe(
            RandomTokens.of(cpu, 3, 13), (position, layer, weights) -> expected.add(weights));
        assertSame(onGpu, onCpu);
      }
      assertThat(found).hasSameSizeAs(expected).isNotEmpty();
      for (int i = 0; i < found.size(); i++) {
        assertThat(found.get(i)).containsExactly(expected.get(i), within(TOLERANCE));
      }
    }
  }

  @Test
  void streamsTakeTurnsWithoutWaiting() {
    List<Session> found = new ArrayList<>();
    List<Session> expected = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        CachePolicy policy = i == 2 ? CachePolicy.dense() : SMALL;
        found.add(gpu.newSession(policy));
        expected.add(cpu.newSession(policy));
      }
      for (int token : RandomTokens.of(cpu, 200, 11)) {
        int turn = token % 3;
        found.get(turn).append(token);
        expected.get(turn).append(token);
      }
      for (int i = 0; i < 3; i++) {
        assertSame(found.get(i), expected.get(i));
      }
    } finally {
      found.forEach(Session::close);
      expected.forEach(Session::close);
    }
  }

  /** Logits after some tokens of two streams that take turns, for each of several such pairs. */
  private static List<float[]> stepPairs(Model model, int seed) {
    List<float[]> logits = new ArrayList<>();
    for (int pair = 0; pair < 5; pair++) {
      try (Session a = model.newSession(SMALL);
          Session b = model.newSession(SMALL);
          SessionBatch batch = model.newBatch(2)) {
        for (int token : RandomTokens.of(cpu, 20, 100 * seed + pair)) {
          a.append(token);
          b.append(7);
          batch.append(List.of(a, b), token, token);
          batch.appendLikeliest(List.of(a, b));
          b.generate(GenerationOptions.greedy(1), likeliest -> {});
          logits.add(a.logits());
          logits.add(b.logits());
        }
      }
    }
    return logits;
  }

  /** Each new session and batch records a step while the other threads run theirs. */
  @Test
  void sessionsOfSeveralThreadsAreThoseOfOne() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<List<float[]>>> found =
          IntStream.range(0, 4).mapToObj(i -> threads.submit(() -> stepPairs(gpu, i))).toList();
      for (int i = 0; i < 4; i++) {
        List<float[]> expected = stepPairs(cpu, i);
        List<float[]> logits = found.get(i).get();
        for (int j = 0; j < expected.size(); j++) {
          assertThat(logits.get(j)).containsExactly(expected.get(j), within(TOLERANCE));
        }
      }
    }
  }

  @Test
  void memoryIsFlatToTheByte() {
    try (Session session = gpu.newSession(SMALL);
        Device device = Device.openCuda(0, 1)) {
      session.append(RandomTokens.of(cpu, 200, 4));
      for (int i = 0; i < 10; i++) {
        session.append(i);
      }
      session.logits();
      long held = Device.allocatedBytes();
      long available = device.memory().available();
      for (int i = 0; i < 2000; i++) {
        session.append(i);
      }
      session.logits();
      assertThat(Device.allocatedBytes()).isEqualTo(held);
      assertThat(device.memory().available()).isEqualTo(available);
    }
  }

  @Test
  void tooWideWeightsAreRefusedBeforeTheyAreUsed() {
    try (Device device = Device.openCuda(0, 1);
        Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(2L * 40_000 * Float.BYTES);
      Weights.Part part = new Weights.Part(data, ElementType.F32, 2, null, true);
      assertThatThrownBy(() -> new Weights(device, arena, 40_000, List.of(part)))
          .hasMessageContaining("weights of 2 rows have 40000 columns; expected at most 32768");
    }
  }

  /** What is said before a model is loaded is what its matrices are then. */
  @ParameterizedTest
  @EnumSource
  void weightsTakeWhatIsSaidBefore(WeightType type, @TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.gguf");
    try (Conversion conversion = Conversion.open(EmbeddedModel.DIRECTORY, "model", type, 2)) {
      conversion.write(file, bytes -> {});
    }
    try (Device host = Device.openCpu(1);
        Arena arena = Arena.ofConfined();
        Model model = Model.open(file, ModelOptions.defaults().withDevice("cuda"))) {
      Checkpoint checkpoint = Checkpoint.open(file, arena);
      ModelConfig config = ModelConfig.read(checkpoint.config());
      GpuWeights said = GpuWeights.of("model", checkpoint, config, host, true);
      List<StackedWeights> stacks = said.stacks();
      long ends = stacks.stream().filter(stack -> stack.rows() == config.vocabulary()).count();
      long lookedUp = ends == 2 ? GpuWeights.bytes(stacks.getFirst()) : 0;
      assertThat(model.info().stepBytes()).isEqualTo(said.bytes() - lookedUp);
    }
  }

  /** Also where a gate's other half would begin between tiles of quantised rows. */
  @ParameterizedTest
  @EnumSource
  void gatesAreOfAnyWidth(WeightType type, @TempDir Path folder) throws IOException {
    String json = SmallModels.CONFIGS.getFirst().replace("512", "510");
    Config config = Config.read(Files.writeString(folder.resolve("config.json"), json));
    try (Device host = Device.openCpu(1);
        Device device = Device.openCuda(0, 1);
        Arena arena = Arena.ofShared()) {
      Checkpoint checkpoint =
          new SyntheticModel("small", config, type.mixture(2, false), 1).create(host, arena, false);
      assertThat(SmallModels.logits(device, arena, checkpoint))
          .containsExactly(SmallModels.logits(host, arena, checkpoint), within(ROUNDED_TOLERANCE));
    }
  }

  /** Bytes that a session takes beside what it says its cache does. */
  private static long besideCache(Model model, CachePolicy policy) {
    long before = Device.allocatedBytes();
    try (Session session = model.newSession(policy)) {
      return Device.allocatedBytes() - before - session.cacheBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCacheTakesWhatItSays(KvType type) {
    ModelOptions options = ModelOptions.defaults().withDevice("cuda").withKvType(type);
    try (Model model = Model.open(EmbeddedModel.DIRECTORY, options)) {
      assertThat(besideCache(model, CachePolicy.streaming(4, 900)))
          .isEqualTo(besideCache(model, SMALL));
    }
  }

  @Test
  void activationsWithoutRoomSayWhatWouldTakeLess() {
    ModelOptions options = ModelOptions.defaults().withDevice("cuda").withChunk(65536);
    try (Device device = Device.openCuda(0, 1);
        Arena arena = Arena.ofConfined();
        Model model = Model.open(EmbeddedModel.DIRECTORY, options)) {
      device.allocate(arena, device.memory().available() - (256 << 20));
      assertThatThrownBy(() -> model.newSession(SMALL))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageContainingAll("bytes", "free", "65536 tokens at a time: a smaller chunk");
    }
  }

  /** Where twice as much does not fit beside it: as far as there is memory, then it says so. */
  @Test
  void aDenseCacheGrowsIntoWhatIsLeft() {
    long gibibyte = 1L << 30;
    try (Device device = Device.openCuda(0, 1);
        Arena arena = Arena.ofConfined();
        Session session = gpu.newSession(CachePolicy.dense())) {
      long tokens = gibibyte / gpu.info().tokenBytes() / 16 * 16;
      session.reserve(tokens);
      device.allocate(arena, device.memory().available() - gibibyte - gibibyte / 2);
      session.reserve(tokens + 1);
      assertThat(session.cacheBytes()).isBetween(gibibyte + (16 << 20), gibibyte + gibibyte / 2);
      assertThatThrownBy(() -> session.reserve(2 * tokens))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageMatching(".* free; in its place, with \\d+ bytes left .* 4\\+\\d+ fits.*");
    }
  }

  @Test
  void tooLargeACacheIsRefusedWithWhatWouldFit() {
    CachePolicy large = CachePolicy.streaming(4, 1L << 33);
    assertThatThrownBy(() -> gpu.newSession(large))
        .isInstanceOf(DeviceMemoryException.class)
        .hasMessageMatching(".* free; with \\d+ bytes left to compute in, 4\\+\\d+ fits.*");
  }
}
