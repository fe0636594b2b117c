package org.sinkstream;

/** Why a generation ended. */
public enum FinishReason {
  /** As many tokens as asked for. */
  MAX_TOKENS,
  /** The model ended its text. */
  END_OF_TEXT,
  /** A stop string appeared. */
  STOP_STRING,
  /** The caller cancelled it. */
  CANCELLED
}
