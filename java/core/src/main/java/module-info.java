/** Endless decoding of language models at constant memory, with attention sinks. */
@SuppressWarnings("module") // the command line is compiled after this
module org.sinkstream {
  requires static transitive org.jspecify;
  requires ai.djl.tokenizers;
  requires org.slf4j; // of ai.djl.tokenizers, an automatic module, which cannot say so itself
  requires tools.jackson.databind;

  exports org.sinkstream;
  exports org.sinkstream.error;
  exports org.sinkstream.files to
      org.sinkstream.cli;
  exports org.sinkstream.text;
}
