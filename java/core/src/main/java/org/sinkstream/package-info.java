/**
 * Endless decoding of language models at constant memory: open a {@link org.sinkstream.Model},
 * start a {@link org.sinkstream.Session} with a {@link org.sinkstream.CachePolicy}, append tokens
 * and generate.
 */
@NullMarked
package org.sinkstream;

import org.jspecify.annotations.NullMarked;
