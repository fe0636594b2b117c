/** The command line of Sinkstream. */
module org.sinkstream.cli {
  requires info.picocli;
  requires java.logging;
  requires me.tongfei.progressbar;
  requires org.jline.terminal;
  requires static org.jspecify;
  requires org.sinkstream;
  requires tools.jackson.databind;

  opens org.sinkstream.cli to
      info.picocli;
}
