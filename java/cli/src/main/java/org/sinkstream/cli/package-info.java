/**
 * The command line: one class a command, thin over the library's public API. Options that commands
 * share are mixins; {@link org.sinkstream.cli.Failures} alone turns exceptions into exit codes.
 */
@NullMarked
package org.sinkstream.cli;

import org.jspecify.annotations.NullMarked;
