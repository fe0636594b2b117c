/**
 * What the library throws for bad files, missing natives and devices that cannot do what was asked.
 */
@NullMarked
package org.sinkstream.error;

import org.jspecify.annotations.NullMarked;
