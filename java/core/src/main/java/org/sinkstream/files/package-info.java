/** Files that are whole or not there, and digests. Exported to Sinkstream's own modules only. */
@NullMarked
package org.sinkstream.files;

import org.jspecify.annotations.NullMarked;
