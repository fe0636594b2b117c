/** Models of published shapes with random weights, for measuring where there is no checkpoint. */
@NullMarked
package org.sinkstream.synthetic;

import org.jspecify.annotations.NullMarked;
