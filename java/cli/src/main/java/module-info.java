/** The command line of Sinkstream. */
module org.sinkstream.cli {
  requires info.picocli;
  requires static org.jspecify;
  requires org.sinkstream;

  opens org.sinkstream.cli to
      info.picocli;
}
