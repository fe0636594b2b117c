/** The command line of Sinkstream. */
module org.sinkstream.cli {
  requires info.picocli;
  requires java.logging;
  requires org.jline.terminal;
  requires static org.jspecify;
  requires org.sinkstream;
  requires progressbar;
  requires tools.jackson.databind;

  opens org.sinkstream.cli to
      info.picocli;
}
