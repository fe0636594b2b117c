/** The command line: thin commands over the library's public API. */
@NullMarked
package org.sinkstream.cli;

import org.jspecify.annotations.NullMarked;
