/** The command line of Sinkstream. */
module org.sinkstream.cli {
  requires info.picocli;
  requires java.desktop;
  requires java.logging;
  requires me.tongfei.progressbar;
  requires org.jline.terminal;
  requires static org.jspecify;
  requires org.sinkstream;
  requires tools.jackson.databind;
  requires xchart;

  opens org.sinkstream.cli to
      info.picocli;
}
