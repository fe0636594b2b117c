/** Scoring and timing of sessions, which several commands share. */
@NullMarked
package org.sinkstream.cli.measure;

import org.jspecify.annotations.NullMarked;
