package org.sinkstream.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version, as the build wrote it into a resource. */
final class Version implements IVersionProvider {
  /** The number alone, e.g. {@code 0.1.0}. */
  static String number() {
    Properties build = new Properties();
    try (InputStream resource = Version.class.getResourceAsStream("build.properties")) {
      build.load(Objects.requireNonNull(resource, "build.properties is not in the jar"));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return build.getProperty("version");
  }

  @Override
  public String[] getVersion() {
    return new String[] {"sinkstream " + number()};
  }
}
