import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sinkstream.CachePolicy;
import org.sinkstream.GpuInfo;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.NativeInfo;
import org.sinkstream.Session;

/**
 * A long stream: the tokens of a file (little-endian int32) again and again in chunks of 2,048, then
 * single ones; what the library and the GPU hold, and the mean NLL of each tenth. Started as
 *
 * <pre>java -cp 'CLASSES_AND_JARS' bench/cuda/StreamProbe.java MODEL IDS 4+508 4000000 100000 cuda</pre>
 */
final class StreamProbe {
  private static final int CHUNK = 2048;
  private static long at;
  private static long notFinite;
  private static long library;
  private static long free;

  private StreamProbe() {}

  public static void main(String[] arguments) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[1]))).order(ByteOrder.LITTLE_ENDIAN);
    int[] ids = new int[bytes.remaining() / 4];
    bytes.asIntBuffer().get(ids);
    long tokens = Long.parseLong(arguments[3]);
    int single = Integer.parseInt(arguments[4]);
    ModelOptions options = ModelOptions.defaults().withDevice(arguments[5]).withChunk(CHUNK);
    try (Model model = Model.open(Path.of(arguments[0]), options);
        Session session = model.newSession(CachePolicy.parse(arguments[2]))) {
      double first = score(session, next(ids, ids.length)) / (ids.length - 1);
      for (int i = 0; i < 5; i++) {
        score(session, next(ids, CHUNK));
      }
      for (int i = 0; i < 200; i++) {
        session.append(next(ids, 1));
      }
      session.logits();
      library = NativeInfo.allocatedBytes();
      free = GpuInfo.find().availableBytes();
      System.out.printf("%d ids, %s %s on %s; after %d: library holds %d bytes, GPU has %d free%n",
          ids.length, arguments[0], arguments[2], arguments[5], session.position(), library, free);
      long begin = session.position();
      for (int tenth = 1; tenth <= 10; tenth++) {
        double sum = 0;
        long count = 0;
        long from = System.nanoTime();
        do {
          sum += score(session, next(ids, CHUNK));
          count += CHUNK;
        } while (session.position() - begin < tokens * tenth / 10);
        double seconds = (System.nanoTime() - from) / 1e9;
        System.out.printf(
            "%d tokens: mean NLL of these %.6f (first pass of the text %.6f), %.0f tok/s, %s%n",
            session.position() - begin, sum / count, first, count / seconds, held());
      }
      long from = System.nanoTime();
      for (int i = 0; i < single; i++) {
        session.append(next(ids, 1));
        if (i % 1000 == 999) {
          for (float logit : session.logits()) {
            notFinite += Float.isFinite(logit) ? 0 : 1;
          }
        }
      }
      session.logits();
      System.out.printf(
          "%d single tokens: position %d, %.0f tok/s, %s%n",
          single, session.position(), single / ((System.nanoTime() - from) / 1e9), held());
    }
  }

  private static int[] next(int[] ids, int count) {
    int[] some = new int[count];
    for (int i = 0; i < count; i++) {
      some[i] = ids[(int) (at++ % ids.length)];
    }
    return some;
  }

  /** Sum of the losses; the first token of a stream has none. */
  private static double score(Session session, int[] some) {
    double sum = 0;
    boolean begins = session.position() == 0;
    double[] losses = session.score(some);
    for (int i = begins ? 1 : 0; i < losses.length; i++) {
      if (!Double.isFinite(losses[i])) {
        notFinite++;
      }
      sum += losses[i];
    }
    return sum;
  }

  /** What is held more than when the stream began. */
  private static String held() throws Exception {
    String found = String.format("not finite %d, library %+d, GPU free %+d, resident ",
        notFinite, NativeInfo.allocatedBytes() - library, GpuInfo.find().availableBytes() - free);
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS") || line.startsWith("VmHWM")) {
        found += line.replaceAll("\\s+", " ") + " ";
      }
    }
    return found.strip();
  }
}
