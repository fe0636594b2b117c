/** JMH benchmarks of the kernels, as Java calls them. */
@NullMarked
package org.sinkstream.bench;

import org.jspecify.annotations.NullMarked;
