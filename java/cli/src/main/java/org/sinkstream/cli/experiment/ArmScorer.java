package org.sinkstream.cli.experiment;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.sinkstream.Model;
import org.sinkstream.Session;
import org.sinkstream.cli.measure.Score;
import org.sinkstream.cli.measure.Slices;
import org.sinkstream.error.DeviceMemoryException;

/**
 * Scores the stream of an {@link Arm} and keeps in a folder what is done: losses and usage as they
 * come, and now and then the state of the session, which a later run continues bit for bit.
 */
final class ArmScorer {
  /** Lines of usage that a stream gets. */
  private static final int USAGES = 200;

  private final Model model;
  private final Arm arm;
  private final int chunk;
  private final Path part;
  private final Path outcome;
  private final Snapshots snapshots;

  /**
   * Prepares it.
   *
   * @param chunk tokens that are scored at a time
   * @param part the folder
   */
  ArmScorer(Model model, Arm arm, int chunk, Path part) {
    this.model = model;
    this.arm = arm;
    this.chunk = chunk;
    this.part = part;
    this.outcome = part.resolve("outcome.txt");
    this.snapshots = new Snapshots(part);
  }

  /** Scores what is left to score. */
  ScoredArm run(String task, Monitor monitor) throws IOException, StoppedException {
    checkIdentity();
    if (!Files.exists(outcome)) {
      RunDirectory.write(outcome, score(task, monitor).getBytes(UTF_8));
      snapshots.clear();
    }
    List<Usage> usage = CsvLog.rows(part.resolve("usage.csv")).stream().map(Usage::parse).toList();
    return new ScoredArm(
        arm, model.cacheBytes(arm.policy()), lossesFile(), usage, Files.readString(outcome));
  }

  private void checkIdentity() throws IOException {
    Path file = part.resolve("identity.txt");
    String identity = arm.identity(model);
    if (!Files.exists(file)) {
      RunDirectory.write(file, identity.getBytes(UTF_8));
    } else if (!Files.readString(file).equals(identity)) {
      throw new IllegalArgumentException(
          "--resume: %s is of another model or text; expected what the run began with"
              .formatted(part));
    }
  }

  private Path lossesFile() {
    return part.resolve("losses.f64");
  }

  /** Scores the rest; what ended the stream early, or an empty text. */
  private String score(String task, Monitor monitor) throws IOException, StoppedException {
    long start = snapshots.newest().orElse(0);
    try (CsvLog log =
            new CsvLog(
                part.resolve("usage.csv"),
                Usage.HEADER + "\n",
                row -> Long.parseLong(row[0]) <= start);
        Losses losses = new Losses(lossesFile());
        Monitor.Task progress = monitor.start(task, arm.tokens(), start, "tokens")) {
      List<String[]> rows = log.rows();
      Usage before = rows.isEmpty() ? Usage.NONE : Usage.parse(rows.getLast());
      losses.keep(before.predicted());
      try (Session session =
          start == 0
              ? model.newSession(arm.policy())
              : snapshots.restore(model, arm.policy(), start)) {
        announce(session, arm.tokens() - start, task, monitor);
        score(session, before, losses, log, progress, monitor);
        return "";
      } catch (DeviceMemoryException full) {
        return String.valueOf(full.getMessage());
      }
    }
  }

  /** Says before it starts that a stream will not come to its end. */
  private static void announce(Session session, long tokens, String task, Monitor monitor) {
    try {
      session.reserve(tokens);
    } catch (DeviceMemoryException limit) {
      monitor.tell("%s will end early: %s".formatted(task, limit.getMessage()));
    }
  }

  private void score(
      Session session,
      Usage before,
      Losses losses,
      CsvLog log,
      Monitor.Task progress,
      Monitor monitor)
      throws IOException, StoppedException {
    Score score = new Score();
    score.replay(before.tokens());
    double cpu = Usage.cpuNow();
    Usage logged = before;
    Iterator<int[]> slices = Slices.of(arm.text(), before.tokens(), arm.tokens(), chunk).iterator();
    while (slices.hasNext()) {
      int[] slice = slices.next();
      losses.append(score.add(session, slice));
      progress.advance(slice.length);
      boolean save = monitor.stopRequested() || snapshots.due();
      if (save || !slices.hasNext() || score.tokens() - logged.tokens() >= arm.tokens() / USAGES) {
        logged =
            Usage.now(
                score.tokens(),
                before.predicted() + score.predicted(),
                before.seconds() + score.seconds(),
                before.cpuSeconds() + Usage.cpuNow() - cpu,
                session.cacheBytes());
        log.append(logged.row());
      }
      if (save && slices.hasNext()) {
        snapshots.save(session, score.tokens());
        monitor.checkStop();
      }
    }
  }
}
